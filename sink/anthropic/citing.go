package anthropic

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// citing is what the rules on citations ask of a request.
type citing struct {
	documents, cited int
	hasSchema        bool
}

// checkCitations returns an error if a request breaks a rule that every version
// of the API has. A batch takes such a row, and fails it when it runs.
func checkCitations(c citing) error {
	switch {
	case c.cited > 0 && c.hasSchema:
		return &llm.RefusedOptionError{
			Option: llm.CitationsOption,
			Reason: "is refused together with a schema: leave the schema out and ask for JSON in the prompt, or leave the citations out",
		}
	case c.cited > 0 && c.cited < c.documents:
		return &llm.RefusedOptionError{Option: llm.CitationsOption, Reason: "is refused for some documents of a request only: set it for all of them, or for none"}
	}
	return nil
}

func citingOf(chat *llm.Chat) citing {
	c := citing{hasSchema: chat.Schema != nil || wire.IsSet(jsontext.Value(chat.Options["output_format"]))}
	for i := range chat.Messages {
		for j := range chat.Messages[i].Parts {
			if p := &chat.Messages[i].Parts[j]; p.Document != nil {
				c.add(jsontext.Value(p.Options[llm.CitationsOption]))
			}
		}
	}
	return c
}

func citingIn(request wire.Object) citing {
	c := citing{hasSchema: wire.IsSet(request.At(schemaPath)) || wire.IsSet(request["output_format"])}
	for _, message := range wire.List(request["messages"]) {
		for _, v := range wire.List(wire.Members(message)["content"]) {
			if block := wire.Members(v); block.Text("type") == "document" {
				c.add(block["citations"])
			}
		}
	}
	return c
}

func (c *citing) add(citations jsontext.Value) {
	c.documents++
	if wire.IsTrue(wire.Members(citations)["enabled"]) {
		c.cited++
	}
}
