package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/flow/source"
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

	input     string
	provider  string
	format    catalog.RowFormat // of rows in batch format
	id, model string
	prompt    *prompt
	tell      func(string) // what may surprise the user, once
	told      bool
}

func newRows(o *options, tell func(string)) (*rows, error) {
	r := &rows{input: o.input, provider: o.provider, id: o.id, model: o.model, tell: tell}
	if o.prompt == "" {
		r.format = formatOfRows(o.provider)
		r.id, r.request = r.format.ID, r.passThrough
		return r, nil
	}
	r.chat = r.fillIn
	var err error
	r.prompt, err = newPrompt(o.prompt)
	return r, err
}

// key identifies a row: by the field of --id, or the id of a row in batch
// format, or else by its line. No id can be taken for a line.
func (r *rows) key(row source.Row) string {
	if id := scalar(member(row.JSON, r.id)); id != "" {
		return id
	}
	if id := scalar(member(row.JSON, openAIFormat.ID)); id != "" && r.request != nil {
		return id
	}
	if r.prompt != nil && !r.told {
		r.told = true
		var fields map[string]json.RawMessage
		_ = json.Unmarshal(row.JSON, &fields) // for their names
		r.tell(fmt.Sprintf("%s:%d: a row without a field %q is identified by its line%s: name the field that identifies a row with --id",
			r.input, row.Line, r.id, fieldList(fields)))
	}
	return "line:" + strconv.Itoa(row.Line)
}

// member is a member of an object, and a part of that: rows are large.
func member(object []byte, name string) json.RawMessage {
	d := jsontext.NewDecoder(bytes.NewBuffer(object))
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil
	}
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return nil
		}
		found := token.String() == name
		value, err := d.ReadValue()
		if err != nil {
			return nil
		}
		if found {
			return json.RawMessage(value)
		}
	}
	return nil
}

// scalar is a JSON string's text or a number's digits, and "" for all else.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// fillIn puts the fields of a row into the prompt.
func (r *rows) fillIn(row source.Row) (llm.Chat, error) {
	fields, err := decode(row.JSON)
	if err != nil {
		return llm.Chat{}, err
	}
	if err := r.checkID(fields); err != nil {
		return llm.Chat{}, err
	}
	text, err := r.prompt.fill(fields)
	if err != nil {
		return llm.Chat{}, err
	}
	return llm.Ask(text), nil
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

func decode(raw []byte) (fields map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // so that 2^53+1 stays what it is
	err = d.Decode(&fields)
	return fields, err
}
