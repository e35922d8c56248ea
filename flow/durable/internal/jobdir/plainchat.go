package jobdir

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/quote"
	"github.com/balerhq/baler/sink/llm"
)

// isPlain reports whether a chat is nothing but texts, as most are. It may have
// a schema.
func isPlain(chat *llm.Chat) bool {
	if chat.Temperature != nil || len(chat.Options) > 0 || chat.MaxTokens != 0 {
		return false
	}
	for i := range chat.Messages {
		if m := &chat.Messages[i]; len(m.Parts) > 0 || m.Text == "" {
			return false
		}
	}
	return len(chat.Messages) > 0
}

// appendPlain writes what Marshal would. It spares the copy of a long text.
func appendPlain(dst []byte, chat *llm.Chat) ([]byte, error) {
	dst = append(dst, `{"messages":[`...)
	for i := range chat.Messages {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"role":`...)
		dst = quote.Append(dst, string(chat.Messages[i].Role))
		dst = append(dst, `,"text":`...)
		dst = quote.Append(dst, chat.Messages[i].Text)
		dst = append(dst, '}')
	}
	if chat.Schema == nil {
		return append(dst, "]}"...), nil
	}
	s, err := schemas.of(chat.Schema)
	if err != nil {
		return nil, err
	}
	return append(append(append(dst, beforeSchema...), s.text...), '}'), nil
}

// beforeSchema stands between the texts of a chat and its schema.
const beforeSchema = `],"schema":`

// AppendForm appends the canonical form (RFC 8785) of a record that AppendChat
// has written, without its first byte. Numbers stay as they are, because not
// every reader takes 2^53+1 for 2^53. A record without such a form, for example
// with a repeated name, is appended as it is.
func AppendForm(dst []byte, chat *llm.Chat, record []byte) []byte {
	if s, err := schemas.of(chat.Schema); err == nil && isPlain(chat) {
		dst = append(dst, record[1:len(record)-len(s.text)-1]...)
		return append(append(dst, s.form...), '}')
	}
	return append(dst, canonical(record[1:])...)
}

func canonical(text []byte) []byte {
	form := jsontext.Value(bytes.Clone(text))
	if form.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) != nil {
		return text
	}
	return form
}

// readPlain reads what appendPlain has written. It reports false for anything
// else.
func readPlain(chat *llm.Chat, b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte(`{"messages":[`))
	var role, text string
	for ok {
		if rest, ok = bytes.CutPrefix(rest, []byte(`{"role":`)); !ok {
			return false
		}
		if role, rest, ok = cutText(rest, `,"text":`); !ok {
			return false
		}
		if text, rest, ok = cutText(rest, "}"); !ok {
			return false
		}
		chat.Messages = append(chat.Messages, llm.Message{Role: llm.Role(role), Text: text})
		if string(rest) == "]}" {
			return true
		}
		if schema, has := bytes.CutPrefix(rest, []byte(beforeSchema)); has {
			chat.Schema = schemas.read(bytes.TrimSuffix(schema, []byte("}")))
			return chat.Schema != nil
		}
		rest, ok = bytes.CutPrefix(rest, []byte(","))
	}
	return false
}

// cutText cuts a JSON string, and what has to follow it, off the front of b.
func cutText(b []byte, then string) (text string, rest []byte, ok bool) {
	end := 1
	for end < len(b) {
		n := bytes.IndexByte(b[end:], '"')
		if n < 0 {
			return "", nil, false
		}
		if end += n + 1; !isEscaped(b[:end-1]) {
			break
		}
	}
	if end < 2 || end > len(b) || b[0] != '"' {
		return "", nil, false
	}
	if text = string(b[1 : end-1]); !quote.IsPlain(text) {
		unquoted, err := jsontext.AppendUnquote(nil, b[:end])
		if err != nil {
			return "", nil, false
		}
		text = string(unquoted)
	}
	rest, ok = bytes.CutPrefix(b[end:], []byte(then))
	return text, rest, ok
}

// isEscaped reports whether what follows b in a JSON string is escaped.
func isEscaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}
