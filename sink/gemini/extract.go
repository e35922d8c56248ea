package gemini

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/retry"
)

const (
	maxRow  = 256<<20 - 128<<10 // a row of results: more cannot be kept of one
	maxRest = 32 << 20          // all that is no row
)

// visitor sees the rows of results that stand in an object. Both functions may
// be nil.
type visitor struct {
	begin func()                 // another list of rows begins
	row   func(row []byte) error // valid until the next one
}

var (
	errMore     = errors.New("there is more after its end")
	errTooLarge = retry.Mark(errors.New("reply is larger than it may be"), retry.Permanent)
)

// extract reads a JSON value of any size, such as a batch with all its rows. It
// returns the value with empty lists in place of the rows, and without the
// requests. An error of the visitor is returned as it is. Others say that the
// value is cut off or garbled, and may be better next time.
func extract(body io.Reader, v visitor) (jsontext.Value, error) {
	in := &bounded{r: body, left: maxRest}
	x := extraction{visitor: v, in: in, d: jsontext.NewDecoder(in, tolerant)}
	err := x.value()
	if err == nil {
		err = x.end()
	}
	if err == nil {
		return x.rest, nil
	}
	if _, hasClass := errors.AsType[*retry.Error](err); !hasClass && !x.refused {
		err = retry.Mark(fmt.Errorf("reply cannot be read: %w", err), retry.Retryable)
	}
	return nil, err
}

// extraction copies a value, but for what is large in it.
type extraction struct {
	visitor
	d       *jsontext.Decoder
	in      *bounded
	rest    []byte
	refused bool // the visitor wants no more
}

func (x *extraction) value() error {
	kind := x.d.PeekKind()
	if kind == '{' {
		return x.object()
	}
	if kind == '[' {
		return x.array()
	}
	v, err := x.d.ReadValue()
	return x.keep(v, err)
}

func (x *extraction) keep(v jsontext.Value, err error) error {
	if x.rest = append(x.rest, v...); len(x.rest) > maxRest {
		return errTooLarge
	}
	return err
}

// object copies an object.
func (x *extraction) object() error {
	if _, err := x.d.ReadToken(); err != nil {
		return err
	}
	x.rest = append(x.rest, '{')
	for first := true; x.d.PeekKind() != '}'; first = false {
		if !first {
			x.rest = append(x.rest, ',')
		}
		name, err := x.d.ReadValue()
		if err := x.keep(name, err); err != nil {
			return err
		}
		x.rest = append(x.rest, ':')
		if err := x.member(string(name)); err != nil {
			return err
		}
	}
	_, err := x.d.ReadToken()
	return x.keep(jsontext.Value("}"), err)
}

// member copies the value of a member.
func (x *extraction) member(name string) error {
	isList := x.d.PeekKind() == '['
	switch {
	case name == `"requests"`:
		return x.keep(jsontext.Value("null"), x.skip())
	case isList && (name == `"inlinedResponses"` || name == `"inlinedEmbedContentResponses"`):
		return x.rows()
	}
	return x.value()
}

// array copies a list that has no rows.
func (x *extraction) array() error {
	if _, err := x.d.ReadToken(); err != nil {
		return err
	}
	x.rest = append(x.rest, '[')
	for first := true; x.d.PeekKind() != ']'; first = false {
		if !first {
			x.rest = append(x.rest, ',')
		}
		if err := x.value(); err != nil {
			return err
		}
	}
	_, err := x.d.ReadToken()
	return x.keep(jsontext.Value("]"), err)
}

// rows visits a list of rows, and leaves an empty one.
func (x *extraction) rows() error {
	if _, err := x.d.ReadToken(); err != nil {
		return err
	}
	if x.begin != nil {
		x.begin()
	}
	if err := x.each(x.element); err != nil {
		return err
	}
	_, err := x.d.ReadToken()
	return x.keep(jsontext.Value("[]"), err)
}

// each calls next for every value up to the end of an object or a list. None of
// these counts as a part of the rest.
func (x *extraction) each(next func() error) error {
	left := x.in.left
	for kind := x.d.PeekKind(); kind != ']' && kind != '}'; kind = x.d.PeekKind() {
		x.in.left = maxRow
		if err := next(); err != nil {
			return err
		}
	}
	x.in.left = left
	return nil
}

// skip passes over a value of any size that holds requests, one by one, in a
// list or in a list within an object.
func (x *extraction) skip() error {
	if kind := x.d.PeekKind(); kind != '{' && kind != '[' {
		return x.d.SkipValue()
	}
	if _, err := x.d.ReadToken(); err != nil {
		return err
	}
	if err := x.each(x.skipOne); err != nil {
		return err
	}
	_, err := x.d.ReadToken()
	return err
}

// skipOne passes over a request, over the name of a member, or over a list in
// it.
func (x *extraction) skipOne() error {
	if x.d.PeekKind() == '[' {
		return x.skip()
	}
	return x.d.SkipValue()
}

// element visits a row, or passes over it.
func (x *extraction) element() error {
	if x.row == nil {
		return x.d.SkipValue()
	}
	row, err := x.d.ReadValue()
	if err != nil {
		return err
	}
	if err = x.row(row); err != nil {
		x.refused = true
	}
	return err
}

func (x *extraction) end() error {
	switch _, err := x.d.ReadToken(); {
	case err == nil:
		return errMore
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// bounded reads so much between two rows at most.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
