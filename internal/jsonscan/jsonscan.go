// Package jsonscan reads JSON of a known shape member by member, in about two
// thirds of the time that reflection takes. Whatever has another shape fails, and
// is left to a reader that takes more.
package jsonscan

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Scanner reads one value. Once something has another shape than was asked for,
// nothing more is read, and all that is asked for is zero.
type Scanner struct {
	text    bytes.Buffer
	decoder jsontext.Decoder
	failed  bool
}

var scanners = sync.Pool{New: func() any { return new(Scanner) }}

// tolerant is what compatible servers write: of members that come twice, the last
// one counts.
var tolerant = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// Read lets read take what it wants of text, and reports whether all of it had
// the shape that read asked for. What read gets is a part of text.
func Read(text []byte, read func(*Scanner)) bool {
	s := scanners.Get().(*Scanner)
	defer s.release()
	s.text, s.failed = *bytes.NewBuffer(text), false
	s.decoder.Reset(&s.text, tolerant...)
	read(s)
	if s.failed {
		return false
	}
	_, err := s.decoder.ReadToken()
	return errors.Is(err, io.EOF)
}

// release keeps nothing of the text.
func (s *Scanner) release() {
	s.text = bytes.Buffer{}
	s.decoder.Reset(&s.text)
	scanners.Put(s)
}

// Fail says that the value has another shape.
func (s *Scanner) Fail() { s.failed = true }

// Members yields the name of each member of an object, whose value the loop must
// take. A name fails that has an escape or is not UTF-8.
func (s *Scanner) Members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !s.token('{') {
			return
		}
		for s.Kind() == '"' {
			name := s.Value()
			if bytes.IndexByte(name, '\\') >= 0 || !utf8.Valid(name) {
				s.failed = true
			}
			if s.failed || !yield(name[1:len(name)-1]) {
				s.failed = true
				return
			}
		}
		s.token('}')
	}
}

// Elements yields the index of each element of a list, which the loop must take.
func (s *Scanner) Elements() iter.Seq[int] {
	return func(yield func(int) bool) {
		if !s.token('[') {
			return
		}
		for n := 0; s.Kind() != ']' && !s.failed; n++ {
			if !yield(n) {
				s.failed = true
				return
			}
		}
		s.token(']')
	}
}

// Kind is that of the next value or end, 0 if there is none.
func (s *Scanner) Kind() jsontext.Kind {
	if s.failed {
		return 0
	}
	kind := s.decoder.PeekKind()
	s.failed = kind == 0
	return kind
}

// token takes one that its kind says in full.
func (s *Scanner) token(kind jsontext.Kind) bool {
	if s.Kind() != kind {
		s.failed = true
		return false
	}
	_, err := s.decoder.ReadToken()
	s.failed = err != nil
	return !s.failed
}

// Value takes a value of any kind, which is a part of the text.
func (s *Scanner) Value() []byte {
	if s.failed {
		return nil
	}
	value, err := s.decoder.ReadValue()
	s.failed = err != nil
	return value
}

// Null takes null. Nothing else counts.
func (s *Scanner) Null() { s.token('n') }

// Text takes a text, and copies it.
func (s *Scanner) Text() string {
	if s.Kind() != '"' {
		s.failed = true
		return ""
	}
	token, err := s.decoder.ReadToken()
	if s.failed = err != nil; s.failed {
		return ""
	}
	return token.String()
}

// Int takes a whole number that is written in digits.
func (s *Scanner) Int() int {
	if s.Kind() != '0' {
		s.failed = true
		return 0
	}
	n, err := strconv.Atoi(string(s.Value()))
	s.failed = s.failed || err != nil
	return n
}
