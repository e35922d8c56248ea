package durable

import (
	"encoding/json"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/balerhq/baler/internal/quote"
)

// WriteLine writes the result as a JSON line, as a File gets it. The line has
// the members that json.Marshal gives it, but with the response last
// and unchanged, and texts have only those characters escaped that must be. A
// long text is not copied.
func (r *Result) WriteLine(w io.Writer) error {
	l := resultLine{w: w, b: append(make([]byte, 0, min(len(r.Text), textPiece)+512), '{')}
	l.text("id", r.ID)
	l.text("status", string(r.Status))
	if r.Text != "" {
		l.longText("text", r.Text)
	}
	l.json("value", r.Value, len(r.Value) > 0)
	l.optional("finish", r.Finish)
	l.optional("refusal", r.Refusal)
	l.json("usage", r.Usage, r.Usage != nil)
	l.json("cost", r.Cost, r.Cost != nil)
	l.optional("model", r.Model)
	l.optional("route", r.Route)
	l.json("tried", r.Tried, len(r.Tried) > 0)
	l.optional("batch", r.Batch)
	l.flag("cached", r.Cached)
	l.flag("shared", r.Shared)
	l.number("attempts", r.Attempts)
	l.optional("item", r.Item)
	l.optional("tenant", r.Tenant)
	l.json("meta", r.Meta, len(r.Meta) > 0)
	l.optional("source", r.Source)
	if r.Line != 0 {
		l.number("line", r.Line)
	}
	l.json("error", r.Error, r.Error != nil)
	l.json("citations", r.Citations, len(r.Citations) > 0)
	l.json("fields", r.Fields, len(r.Fields) > 0)
	if len(r.Response) > 0 {
		l.name("response")
		l.flush()
		l.write(r.Response)
	}
	l.b = append(l.b, "}\n"...)
	l.flush()
	return l.err
}

// resultLine is a line that is being made.
type resultLine struct {
	w   io.Writer
	b   []byte // not written yet
	any bool   // it has a member
	err error
}

func (l *resultLine) name(name string) {
	if l.any {
		l.b = append(l.b, ',')
	}
	l.any = true
	l.b = append(l.b, '"')
	l.b = append(l.b, name...)
	l.b = append(l.b, `":`...)
}

func (l *resultLine) text(name, value string) {
	l.name(name)
	l.b = quote.Append(l.b, value)
}

func (l *resultLine) optional(name, value string) {
	if value != "" {
		l.text(name, value)
	}
}

// longText writes a text that may be long in pieces.
func (l *resultLine) longText(name, value string) {
	if len(value) <= textPiece {
		l.text(name, value)
		return
	}
	l.name(name)
	l.b = append(l.b, '"')
	l.flush()
	for value != "" {
		n := pieceOf(value)
		l.b = quote.Append(l.b[:0], value[:n])
		l.write(l.b[1 : len(l.b)-1])
		value = value[n:]
	}
	l.b = append(l.b[:0], '"')
}

func (l *resultLine) flag(name string, set bool) {
	if set {
		l.name(name)
		l.b = append(l.b, "true"...)
	}
}

func (l *resultLine) number(name string, n int) {
	l.name(name)
	l.b = strconv.AppendInt(l.b, int64(n), 10)
}

func (l *resultLine) json(name string, value any, set bool) {
	if !set {
		return
	}
	b, err := json.Marshal(value)
	if err != nil && l.err == nil {
		l.err = err
	}
	l.name(name)
	l.b = append(l.b, b...)
}

func (l *resultLine) flush() {
	l.write(l.b)
	l.b = l.b[:0]
}

func (l *resultLine) write(b []byte) {
	if l.err == nil {
		_, l.err = l.w.Write(b)
	}
}

// textPiece is how much of a text is quoted at a time, in bytes.
const textPiece = 64 << 10

// pieceOf is the length of the next piece, which ends with a character.
func pieceOf(text string) int {
	if len(text) <= textPiece {
		return len(text)
	}
	for n := textPiece; n > textPiece-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return textPiece // it is not UTF-8
}
