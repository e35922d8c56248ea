package durable

import (
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/balerhq/baler/internal/quote"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// WriteLine writes the result as a JSON line, as a File gets it. The line has
// the members that json.Marshal gives it, but with the response last
// and unchanged, and texts have only those characters escaped that must be. A
// long text is not copied.
func (r *Result) WriteLine(w io.Writer) error {
	buf := lineBuffers.Get().(*[]byte)
	l := resultLine{w: w, b: append((*buf)[:0], '{')}
	defer func() {
		*buf = l.b
		lineBuffers.Put(buf)
	}()
	l.text("id", r.ID)
	l.text("status", string(r.Status))
	if r.Text != "" {
		l.longText("text", r.Text)
	}
	l.json("value", r.Value, len(r.Value) > 0)
	l.optional("finish", r.Finish)
	l.optional("refusal", r.Refusal)
	l.usage(r.Usage)
	l.cost(r.Cost)
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
	l.count("line", r.Line)
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

// lineBuffers has buffers for the parts of lines, a bit above textPiece at most.
var lineBuffers = sync.Pool{New: func() any { return new([]byte) }}

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

// usage writes what json.Marshal does.
func (l *resultLine) usage(u *llm.Usage) {
	if u == nil {
		return
	}
	l.name("usage")
	l.b = append(l.b, '{')
	l.any = false
	l.number("input_tokens", u.Input)
	l.count("cached_input_tokens", u.CachedInput)
	l.count("cache_write_tokens", u.CacheWrites)
	l.count("cache_write_hour_tokens", u.HourWrites)
	l.number("output_tokens", u.Output)
	l.count("reasoning_tokens", u.Reasoning)
	l.b = append(l.b, '}')
}

// count writes a number that is left out if it is 0.
func (l *resultLine) count(name string, n int) {
	if n != 0 {
		l.number(name, n)
	}
}

func (l *resultLine) cost(c *price.Money) {
	if c == nil {
		return
	}
	b, _ := c.MarshalJSON() // never fails
	l.name("cost")
	l.b = append(l.b, b...)
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
