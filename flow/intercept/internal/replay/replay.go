// Package replay writes an answer as the events of a stream, as the SDK of its
// provider reads them. The whole answer is there when the stream begins, so
// that each text is one event.
package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
)

// These are the content types of streams.
const (
	Events = "text/event-stream; charset=utf-8"
	JSON   = "application/json"
)

// Stream returns the answer with the body in a form: "chat.completions",
// "completions", "responses", "messages", "gemini" or "gemini-list". With
// usage, chat completions end with theirs.
func Stream(form string, body []byte, usage bool) (stream []byte, contentType string, err error) {
	var w writer
	switch form {
	case "chat.completions":
		err = w.chat(body, usage)
	case "completions":
		err = w.legacy(body)
	case "responses":
		err = w.response(body)
	case "messages":
		err = w.message(body)
	case "gemini":
		w.data("", json.RawMessage(body))
	case "gemini-list":
		return append(append([]byte("["), body...), ']'), JSON, nil
	default:
		err = fmt.Errorf("replay: the form %q is not known", form)
	}
	return w.b.Bytes(), Events, err
}

// Failure returns an error as an event of a stream that has begun.
func Failure(form string, body []byte) []byte {
	var w writer
	switch form {
	case "messages":
		w.data("error", json.RawMessage(body))
	case "responses":
		var e struct {
			Error struct {
				Code    any    `json:"code"`
				Message string `json:"message"`
			} `json:"error"`
		}
		_ = json.Unmarshal(body, &e) // what is missing is empty
		w.data("error", object{"type": "error", "code": e.Error.Code, "message": e.Error.Message, "param": nil, "sequence_number": 0})
	default:
		w.data("", json.RawMessage(body))
	}
	return w.b.Bytes()
}

// Comment is a line that readers of events leave out.
const Comment = ": waiting for the batch\n\n"

type object map[string]any

// writer collects events.
type writer struct {
	b bytes.Buffer
	n int // events that have a number
}

// data adds an event. A body is on one line.
func (w *writer) data(event string, value any) {
	b, ok := value.(json.RawMessage)
	if !ok {
		b, _ = json.Marshal(value) // of what was JSON
	}
	if event != "" {
		w.b.WriteString("event: " + event + "\n")
	}
	w.b.WriteString("data: ")
	if json.Compact(&w.b, b) != nil {
		w.b.Write(bytes.ReplaceAll(b, []byte("\n"), []byte(" ")))
	}
	w.b.WriteString("\n\n")
}

func (w *writer) done() { w.b.WriteString("data: [DONE]\n\n") }

// with returns the members of an object with others in their place.
func with(from map[string]json.RawMessage, changes object) object {
	to := make(object, len(from)+len(changes))
	for name, value := range from {
		to[name] = value
	}
	maps.Copy(to, changes)
	return to
}

// without returns the members of an object but one.
func without(from map[string]json.RawMessage, names ...string) object {
	to := with(from, nil)
	for _, name := range names {
		delete(to, name)
	}
	return to
}

func members(body []byte) (m map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return m, nil
}

func list(body []byte) (all []map[string]json.RawMessage, err error) {
	if len(body) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return all, nil
}
