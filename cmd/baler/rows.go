package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/jsonscan"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
)

// defaultID is the field that identifies a row.
const defaultID = "id"

// rows turns the rows of the input into chats or requests. The function for the
// other is nil.
type rows struct {
	chat    func(source.Row) (llm.Chat, error)
	request func(source.Row) (sink.Request, error)

	labels    map[string]string // see inputs
	provider  string
	format    catalog.RowFormat // of rows in batch format
	id, model string
	asker     *asker
	decoded   *decoded
	tell      func(string) // what may surprise the user, once
	told      bool
	perFile   bool // see inputs
}

func newRows(o *options, tell func(string)) (*rows, error) {
	r := &rows{labels: o.inputs.labels(), provider: o.provider, id: o.id, model: o.model, decoded: &o.decoded, tell: tell, perFile: o.inputs.perFile}
	if !o.asksChats() {
		r.format = formatOfRows(o.provider)
		r.id, r.request = r.format.ID, r.passThrough
		return r, o.messages.mustBeUnused()
	}
	r.chat = r.ask
	var err error
	r.asker, err = newAsker(o)
	return r, err
}

// key identifies a row: by the field of --id, or the id of a row in batch
// format, or else by its line. No id can be taken for a line.
func (r *rows) key(row source.Row) string {
	if row.ID != "" {
		return row.ID
	}
	if id := r.named(row); id != "" {
		return r.prefix(row, r.perFile) + id
	}
	if id := scalar(member(row.JSON, openAIFormat.ID)); id != "" && !r.hasFields() {
		return r.prefix(row, r.perFile) + id
	}
	if r.chat != nil && !r.told {
		r.told = true
		var fields map[string]json.RawMessage
		_ = json.Unmarshal(row.JSON, &fields) // for their names
		what := fmt.Sprintf("without a field %q", r.id)
		if _, has := fields[r.id]; has {
			what = fmt.Sprintf("whose field %q is empty", r.id)
		}
		r.tell(fmt.Sprintf("%s: a row %s is identified by its line%s: name the field that identifies a row with --id",
			place(row), what, fieldList(fields)))
	}
	return r.prefix(row, true) + "line:" + strconv.Itoa(row.Line)
}

// named is the id in the field that identifies a row, "" if there is none. A
// chat needs the other fields of the row, too.
func (r *rows) named(row source.Row) string {
	if r.chat == nil {
		return scalar(member(row.JSON, r.id))
	}
	fields, _ := r.decoded.fields(row.JSON) // ask tells what is wrong
	switch id := fields[r.id].(type) {
	case string:
		return id
	case json.Number:
		return id.String()
	}
	return ""
}

// prefix is what is before an id that is unique within a file only, if there
// may be others.
func (r *rows) prefix(row source.Row, perFile bool) string {
	if label, ok := r.labels[row.File]; ok && perFile {
		return label + ":"
	}
	return ""
}

// member is a member of an object, and a part of that: rows are large.
func member(object []byte, name string) json.RawMessage {
	for found, value := range members(object) {
		if found == name {
			return value
		}
	}
	return nil
}

// members yields the members of an object, up to what is no JSON. Each value is
// a part of the object.
func members(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		d := jsontext.NewDecoder(bytes.NewBuffer(object))
		if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
			return
		}
		for d.PeekKind() == '"' {
			token, err := d.ReadToken()
			if err != nil {
				return
			}
			name := token.String()
			value, err := d.ReadValue()
			if err != nil || !yield(name, json.RawMessage(value)) {
				return
			}
		}
	}
}

// scalar is a JSON string's text or a number's digits, and "" for all else.
func scalar(raw json.RawMessage) string {
	kind := jsontext.Value(raw).Kind()
	if kind == jsontext.KindNumber {
		return string(raw)
	}
	if kind == jsontext.KindString {
		if text, err := jsontext.AppendUnquote(nil, raw); err == nil {
			return string(text)
		}
	}
	return ""
}

// hasFields reports whether the rows have any shape, and are neither chats nor
// in batch format.
func (r *rows) hasFields() bool { return r.chat != nil && !r.asker.chatRows }

// ask makes a chat of a row.
func (r *rows) ask(row source.Row) (llm.Chat, error) {
	fields, err := r.decoded.fields(row.JSON)
	if err != nil {
		return llm.Chat{}, err
	}
	if err := r.checkID(fields); err != nil {
		return llm.Chat{}, err
	}
	return r.asker.chat(row, fields)
}

// checkID refuses an id that identifies nothing, and a row without the one that
// the user has named.
func (r *rows) checkID(fields map[string]any) error {
	id, has := fields[r.id]
	switch id.(type) {
	case nil, string, json.Number:
	default: // its line would be as good as any
		return fmt.Errorf("field %q identifies the row: it must be a text or a number", r.id)
	}
	switch {
	case r.id == defaultID:
		return nil
	case !has:
		return fmt.Errorf("field %q is missing, and --id says that it identifies the row%s", r.id, fieldList(fields))
	case id == nil || id == "":
		return fmt.Errorf("field %q is empty, and --id says that it identifies the row", r.id)
	}
	return nil
}

// decoded remembers the row that was decoded last, whose fields are its key,
// its prompt and more. It is for one goroutine.
type decoded struct {
	row  []byte
	seen map[string]any
	err  error
}

// fields returns the fields of a row, which nobody may change.
func (d *decoded) fields(row []byte) (map[string]any, error) {
	isSame := len(row) > 0 && len(row) == len(d.row) && &row[0] == &d.row[0]
	if !isSame {
		d.row = row // so that no other row gets its memory
		d.seen, d.err = decode(row)
	}
	return d.seen, d.err
}

func decode(raw []byte) (fields map[string]any, err error) {
	fields = make(map[string]any)
	n := 0
	known := jsonscan.Read(raw, func(s *jsonscan.Scanner) {
		for name := range s.Members() {
			fields[string(name)] = scanned(s)
			n++
		}
	})
	if known && len(fields) == n { // else one comes twice
		return fields, nil
	}
	fields = nil
	err = decodeInto(&fields, raw)
	return fields, err
}

// scanned takes a value, which most times is a text or a number.
func scanned(s *jsonscan.Scanner) (value any) {
	kind := s.Kind()
	if kind == jsontext.KindString {
		return s.Text()
	}
	if kind == jsontext.KindNumber {
		return json.Number(s.Value())
	}
	if decodeInto(&value, s.Value()) != nil {
		s.Fail()
	}
	return value
}

// decodeInto reads numbers as they stand, so that 2^53+1 stays what it is.
func decodeInto(v any, raw []byte) error { return jsonv2.Unmarshal(raw, v, numbersAsWritten) }

var numbersAsWritten = jsonv2.JoinOptions(
	jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true),
	jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, v *any) error {
		if d.PeekKind() != '0' {
			return errors.ErrUnsupported
		}
		number, err := d.ReadValue()
		*v = json.Number(number)
		return err
	})),
)
