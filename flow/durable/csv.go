package durable

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// CSV opens the file at path for a job's results, as records of RFC 4180 after
// a header that names the columns. All else is as with Lines: each result is in
// the file exactly once.
func CSV(path string, columns CSVColumns) (*File, error) {
	if err := columns.Check(); err != nil {
		return nil, err
	}
	return openFile(path, columns)
}

// CSVColumns says which columns results have in a CSV file, beside those that
// all have. A column that does not apply to a result is empty.
//
// Texts are written as they are. A program that takes a text which begins with
// =, +, - or @ for a formula, as spreadsheets do, has to be told not to.
type CSVColumns struct {
	// Value are members of Result.Value, whose columns are called "value.NAME".
	// They are written as those of Meta are.
	Value []string
	// Meta are members of Result.Meta. A text is written as it is, and any
	// other value as JSON. A member whose name is that of another column gets
	// the column "meta.NAME".
	Meta []string
}

// csvColumns are the columns that all results have.
var csvColumns = []struct {
	name  string
	value func(r *Result) string
}{
	{"id", func(r *Result) string { return r.ID }},
	{"status", func(r *Result) string { return string(r.Status) }},
	{"text", func(r *Result) string { return r.Text }},
	{"value", func(r *Result) string { return textOf(r.Value) }},
	{"finish", func(r *Result) string { return r.Finish }},
	{"refusal", func(r *Result) string { return r.Refusal }},
	{"error_code", func(r *Result) string { return errorOf(r).Code }},
	{"error", func(r *Result) string { return errorOf(r).Message }},
	{"model", func(r *Result) string { return r.Model }},
	{"route", func(r *Result) string { return r.Route }},
	{"item", func(r *Result) string { return r.Item }},
	{"tenant", func(r *Result) string { return r.Tenant }},
	{"batch", func(r *Result) string { return r.Batch }},
	{"attempts", func(r *Result) string { return strconv.Itoa(r.Attempts) }},
	{"cached", func(r *Result) string { return trueOrNone(r.Cached) }},
	{"shared", func(r *Result) string { return trueOrNone(r.Shared) }},
	{"input_tokens", func(r *Result) string { return tokensUsed(r, func(u *llm.Usage) int { return u.Input }) }},
	{"output_tokens", func(r *Result) string { return tokensUsed(r, func(u *llm.Usage) int { return u.Output }) }},
	{"source", func(r *Result) string { return r.Source }},
	{"line", func(r *Result) string {
		if r.Line == 0 {
			return ""
		}
		return strconv.Itoa(r.Line)
	}},
}

func errorOf(r *Result) sink.RowError {
	if r.Error == nil {
		return sink.RowError{}
	}
	return *r.Error
}

func trueOrNone(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func tokensUsed(r *Result, count func(*llm.Usage) int) string {
	if r.Usage == nil {
		return ""
	}
	return strconv.Itoa(count(r.Usage))
}

// Names returns the names of all columns.
func (c CSVColumns) Names() []string {
	names := make([]string, 0, len(csvColumns)+len(c.Meta))
	for i := range csvColumns {
		names = append(names, csvColumns[i].name)
	}
	for _, name := range c.Value {
		names = append(names, "value."+name)
	}
	for _, name := range c.Meta {
		if slices.Contains(names[:len(csvColumns)], name) {
			name = "meta." + name
		}
		names = append(names, name)
	}
	return names
}

// Check returns an error if two columns have the same name, or one has none.
func (c CSVColumns) Check() error {
	names := slices.Sorted(slices.Values(c.Names()))
	if n := len(slices.Compact(slices.Clone(names))); n < len(names) || slices.Contains(c.Meta, "") {
		return errors.New("durable: CSVColumns has a name twice, or one that is empty")
	}
	return nil
}

// WriteHead writes the header.
func (c CSVColumns) WriteHead(w io.Writer) error {
	_, err := w.Write(c.head())
	return err
}

func (c CSVColumns) head() []byte {
	var head []byte
	for _, name := range c.Names() {
		head = appendField(head, name)
	}
	return endRecord(head)
}

// Write writes a result.
func (c CSVColumns) Write(w io.Writer, r *Result) error {
	record := make([]byte, 0, len(r.Text)+len(r.Text)/16+len(r.Value)+len(r.Meta)+256)
	for i := range csvColumns {
		record = appendField(record, csvColumns[i].value(r))
	}
	record = appendMembers(record, r.Value, c.Value)
	record = appendMembers(record, r.Meta, c.Meta)
	_, err := w.Write(endRecord(record))
	return err
}

// appendMembers appends members of an object. One that is no object has none.
func appendMembers(dst []byte, object json.RawMessage, names []string) []byte {
	var members map[string]json.RawMessage
	if len(names) > 0 && len(object) > 0 {
		_ = json.Unmarshal(object, &members)
	}
	for _, name := range names {
		dst = appendField(dst, textOf(members[name]))
	}
	return dst
}

// textOf is a text in JSON, or the JSON of any other value but null.
func textOf(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil || len(value) == 0 {
		return text // also of null
	}
	return string(value)
}

// appendField appends a field and a comma. Unlike encoding/csv it changes no
// line break.
func appendField(dst []byte, field string) []byte {
	if !strings.ContainsAny(field, "\",\r\n") && strings.TrimSpace(field) == field {
		return append(append(dst, field...), ',')
	}
	dst = append(dst, '"')
	for {
		before, after, found := strings.Cut(field, `"`)
		dst = append(dst, before...)
		if !found {
			return append(dst, '"', ',')
		}
		dst, field = append(dst, '"', '"'), after
	}
}

// endRecord replaces the last comma.
func endRecord(record []byte) []byte { return append(record[:len(record)-1], '\r', '\n') }

// These methods implement recordForm.

func (c CSVColumns) writeHead(w io.Writer) error        { return c.WriteHead(w) }
func (c CSVColumns) write(w io.Writer, r *Result) error { return c.Write(w, r) }
func (c CSVColumns) isHead(record []byte) bool          { return bytes.Equal(record, c.head()) }
func (CSVColumns) isWhole(quotes int) bool              { return quotes%2 == 0 }

func (c CSVColumns) read(record []byte) (r Result, err error) {
	names := c.Names()
	reader := csv.NewReader(bytes.NewReader(record))
	reader.FieldsPerRecord = len(names)
	fields, err := reader.Read()
	if err != nil {
		return r, err
	}
	field := func(name string) string { return fields[slices.Index(names, name)] }
	r.ID, r.Batch = field("id"), field("batch")
	r.Cached, r.Shared = field("cached") != "", field("shared") != ""
	return r, nil
}

// isTorn goes by the status, which is the second column, as far as it is there.
func (c CSVColumns) isTorn(rest []byte, first bool) bool {
	if first {
		return agree(string(rest), string(c.head()))
	}
	end := endOfField(rest)
	if end < 0 {
		return len(rest) <= 2*maxKey+2
	}
	status := string(rest[end+1:])
	return agree(status, string(ItemSucceeded)+",") || agree(status, string(ItemFailed)+",")
}

// endOfField returns where the comma after the first field is, -1 if it is not
// there.
func endOfField(record []byte) int {
	quoted := false
	for i, c := range record {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return i
		}
	}
	return -1
}
