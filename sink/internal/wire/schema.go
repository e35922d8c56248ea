package wire

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

// errNoSchema is why a schema cannot be written.
var errNoSchema = errors.New("the schema is empty; set Schema.JSON")

// Lower returns a schema as a provider gets it that keeps to one if it is
// asked.
func Lower(s *llm.Schema, d *schema.Dialect) (schema.Lowered, error) {
	switch {
	case len(s.JSON) == 0:
		return schema.Lowered{}, errNoSchema
	case s.Strict == nil || !*s.Strict:
		return schema.Lowered{JSON: s.JSON}, nil
	}
	return d.Lower(s.JSON)
}

// LowerDescribed returns a schema as a provider gets it that always keeps to
// one, and that has no other place for its description.
func LowerDescribed(s *llm.Schema, d *schema.Dialect) (schema.Lowered, error) {
	text, err := describe(s)
	switch {
	case err != nil:
		return schema.Lowered{}, err
	case s.Strict != nil && !*s.Strict:
		return schema.Lowered{JSON: text}, nil
	}
	return d.Lower(text)
}

// errDescribed is why a description has no place.
var errDescribed = errors.New("the schema has a description of its own; leave Schema.Description out")

// describe returns a schema with its description in it.
func describe(s *llm.Schema) ([]byte, error) {
	switch {
	case len(s.JSON) == 0:
		return nil, errNoSchema
	case s.Description == "":
		return s.JSON, nil
	}
	members := Members(jsontext.Value(s.JSON))
	if members == nil || members["description"] != nil {
		return nil, errDescribed
	}
	text := append([]byte(`{"description":`), jsonText(s.Description)...)
	rest := bytes.TrimSpace(s.JSON)[1:]
	if len(members) > 0 {
		text = append(text, ',')
	}
	return append(text, rest...), nil
}

func jsonText(text string) []byte {
	quoted, _ := jsontext.AppendQuote(nil, text) // complete also with an error
	return quoted
}

// Reread returns the chat for which the same body is encoded. A body keeps what
// it asks: if its schema is not in the form in which a codec sends it, the chat
// has it sent as it is, unless it says that it is strict. The error is then an
// llm.UnknownMemberError.
func Reread(chat llm.Chat, body []byte, path string, encode func(llm.Chat) (json.RawMessage, error)) (llm.Chat, error) {
	encoded, err := encode(chat)
	if err == nil {
		err = Confirm(body, encoded)
	}
	if err == nil || chat.Schema == nil {
		return chat, err
	}
	if chat.Schema.Strict != nil {
		if unsupported, is := errors.AsType[*schema.UnsupportedError](err); is {
			err = &llm.UnknownMemberError{Member: path + unsupported.Path}
		}
		return chat, err
	}
	s, isStrict := *chat.Schema, false
	s.Strict = &isStrict
	chat.Schema = &s
	if encoded, err = encode(chat); err != nil {
		return chat, err
	}
	return chat, Confirm(body, encoded)
}

// KeepOrder gives the schema of a chat the order of members that it has in the
// body, at a path. The body was read.
func KeepOrder(chat *llm.Chat, body []byte, path string) {
	if chat.Schema == nil {
		return
	}
	text := Members(jsontext.Value(body)).At(path)
	if text != nil && text.Compact() == nil {
		chat.Schema.JSON = []byte(text)
	}
}

// CheckSchema returns an error if a body has a schema at a path that has no
// form which a provider takes.
func CheckSchema(body []byte, path string, d *schema.Dialect) error {
	if !bytes.Contains(body, []byte("chema")) {
		return nil // as most bodies
	}
	if v := Members(jsontext.Value(body)).At(path); v != nil {
		_, err := d.Lower(v)
		return err
	}
	return nil
}

// ResponseFormat is the option that asks for an answer in JSON, or for text,
// without a schema.
const ResponseFormat = "response_format"

// CheckFormat returns an error if that option is anything but a Format.
func CheckFormat(options llm.Options) error {
	if format := options[ResponseFormat]; format != nil && Format(format) == "" {
		return &llm.RefusedOptionError{Option: ResponseFormat, Reason: "is neither text nor json_object; set Chat.Schema"}
	}
	return nil
}
