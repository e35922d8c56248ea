package completions

import (
	"cmp"
	"encoding/json"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// Servers differ in what goes with an answer. A member of another type than
// expected is passed over: the answer was paid for.

// toolCallOf reads a call in a completion.
func toolCallOf(v jsontext.Value) llm.ToolCall {
	var t struct {
		ID       jsontext.Value `json:"id"`
		Function jsontext.Value `json:"function"`
		Custom   jsontext.Value `json:"custom"`
	}
	_ = jsonv2.Unmarshal(v, &t, tolerant)
	tool := t.Function
	if wire.IsSet(t.Custom) {
		tool = t.Custom
	}
	return calledToolOf(tool).call(wire.Text(t.ID))
}

// calledTool is what a tool is called with: the arguments of a function, which
// are JSON in a string, or the input of another tool, which is any text.
type calledTool struct {
	Name      jsontext.Value `json:"name"`
	Arguments jsontext.Value `json:"arguments"`
	Input     jsontext.Value `json:"input"`
}

func calledToolOf(v jsontext.Value) *calledTool {
	var t calledTool
	_ = jsonv2.Unmarshal(v, &t, tolerant)
	return &t
}

func (t *calledTool) call(id string) llm.ToolCall {
	call := llm.ToolCall{ID: id, Name: wire.Text(t.Name)}
	switch arguments := jsontext.Value(wire.Text(t.Arguments)); {
	case arguments.IsValid():
		call.Arguments = json.RawMessage(arguments)
	case wire.IsSet(t.Arguments):
		call.Arguments = json.RawMessage(t.Arguments) // as the model wrote them
	case wire.IsSet(t.Input):
		call.Arguments = json.RawMessage(t.Input)
	}
	return call
}

type citation struct {
	Title    jsontext.Value `json:"title"`
	Filename jsontext.Value `json:"filename"`
	URL      jsontext.Value `json:"url"`
}

func (c *citation) title() string {
	return cmp.Or(wire.Text(c.Title), wire.Text(c.Filename), wire.Text(c.URL))
}

// citations names the sources of an answer. The places that come with them are
// places in the answer, not in the source.
func citations(annotations jsontext.Value) []llm.Citation {
	if annotations.Kind() != '[' {
		return nil
	}
	var of []struct {
		citation
		Nested citation `json:"url_citation"` // in a completion
	}
	if jsonv2.Unmarshal(annotations, &of, tolerant) != nil {
		return nil
	}
	var all []llm.Citation
	for i := range of {
		if title := cmp.Or(of[i].title(), of[i].Nested.title()); title != "" {
			all = append(all, llm.Citation{Title: title, Document: llm.NoDocument})
		}
	}
	return all
}
