package source

import (
	"io"
	"strings"
)

// A quote within a field that does not begin with one is text, as in 27" or
// 5'3". encoding/csv takes it for a mistake, or, with LazyQuotes, lets a quote
// that is never closed swallow the rest of the file. So it gets to see another
// byte, which no UTF-8 has.
const (
	hiddenQuote = 0xff
	notUTF8     = 0xfe // for a 0xff of the file, so that it stays invalid
)

// quoteReader hides the quotes that are text.
type quoteReader struct {
	r         io.Reader
	delimiter byte
	in        fieldState
}

// fieldState is where in a field a quoteReader stands.
type fieldState uint8

const (
	atStart  fieldState = iota // of a field
	unquoted                   // in a field that did not begin with a quote
	quoted                     // in a field that did
	closed                     // after a quote in it: its end, or the first of two
)

func (q *quoteReader) Read(p []byte) (int, error) {
	n, err := q.r.Read(p)
	for i, b := range p[:n] {
		p[i] = q.pass(b)
	}
	return n, err
}

// pass moves on by a byte and returns what takes its place.
func (q *quoteReader) pass(b byte) byte {
	divides := b == q.delimiter || b == '\n' || b == '\r'
	switch {
	case b == '"' && q.in == unquoted:
		return hiddenQuote
	case b == '"' && q.in == quoted:
		q.in = closed
	case b == '"':
		q.in = quoted
	case divides && q.in != quoted:
		q.in = atStart
	case q.in == atStart:
		q.in = unquoted
	}
	if b == hiddenQuote {
		return notUTF8
	}
	return b
}

// showQuotes undoes what a quoteReader did.
func showQuotes(value string) string {
	if strings.IndexByte(value, hiddenQuote) < 0 {
		return value
	}
	return strings.ReplaceAll(value, string([]byte{hiddenQuote}), `"`)
}
