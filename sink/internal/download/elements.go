package download

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
)

// Elements reads the elements of a list within an object as lines, one for
// each, without holding any of them. The path is the names of the members that
// lead to the list. Where there is none, or null, there are no lines.
func Elements(object io.Reader, path ...string) io.Reader {
	return &elements{object: object, path: path}
}

type elements struct {
	object io.Reader
	path   []string

	rest     io.Reader // after the beginning of the list; nil before that is found
	depth    int       // within an element
	inString bool
	escaped  bool // the next byte of the string is
	err      error
}

var (
	errNoObject = retry.Mark(errors.New("the reply is no object with a list"), retry.Retryable)
	errOpenList = retry.Mark(errors.New("the reply ends within the list"), retry.Retryable)
)

func (e *elements) Read(p []byte) (n int, err error) {
	if e.rest == nil && e.err == nil {
		e.err = e.find()
	}
	if e.err != nil {
		return 0, e.err
	}
	n, err = e.rest.Read(p)
	if n = e.split(p[:n]); e.err != nil {
		err = nil // the list is over
	} else if errors.Is(err, io.EOF) {
		err = errOpenList
	}
	return n, err
}

// find reads up to the first element. Its error is io.EOF if there is none.
func (e *elements) find() error {
	d := jsontext.NewDecoder(e.object, tolerant)
	for _, name := range e.path {
		if found, err := enter(d, name); err != nil {
			return err
		} else if !found {
			return io.EOF
		}
	}
	t, err := d.ReadToken()
	switch {
	case err == nil && t.Kind() == 'n':
		return io.EOF
	case err != nil || t.Kind() != '[':
		return noObject(err)
	}
	e.rest = io.MultiReader(bytes.NewReader(bytes.Clone(d.UnreadBuffer())), e.object)
	return nil
}

// enter reads an object up to the value of a member, and reports whether there
// is one. It reads all of an object that has none.
func enter(d *jsontext.Decoder, name string) (found bool, err error) {
	t, err := d.ReadToken()
	switch {
	case err == nil && t.Kind() == 'n':
		return false, nil
	case err != nil || t.Kind() != '{':
		return false, noObject(err)
	}
	for d.PeekKind() == '"' {
		member, err := d.ReadToken()
		if err != nil {
			return false, noObject(err)
		}
		if member.String() == name {
			return true, nil
		}
		if err := d.SkipValue(); err != nil {
			return false, noObject(err)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return false, noObject(err)
	}
	return false, nil
}

// noObject is the error of what cannot be read, in the class that it has if it
// is the connection's.
func noObject(err error) error {
	if _, ok := errors.AsType[*retry.Error](err); ok {
		return err
	}
	if err == nil {
		return errNoObject
	}
	return fmt.Errorf("%w: %w", errNoObject, err)
}

// split makes lines of elements, in place, and returns up to where the list
// goes.
func (e *elements) split(p []byte) int {
	for i, c := range p {
		switch {
		case c == '\n', c == '\r':
			p[i] = ' ' // an element is on one line
		case e.escaped:
			e.escaped = false
		case e.inString:
			e.escaped, e.inString = c == '\\', c != '"'
		case c == '"':
			e.inString = true
		case c == '{', c == '[':
			e.depth++
		case e.depth == 0 && c == ',':
			p[i] = '\n'
		case e.depth == 0 && c == ']':
			p[i], e.err = '\n', io.EOF
			return i + 1
		case c == '}', c == ']':
			e.depth--
		}
	}
	return len(p)
}
