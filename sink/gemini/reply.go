package gemini

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

var tolerant = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// response holds the parts of a response that say something.
type response struct {
	Candidates     []candidate    `json:"candidates"`
	PromptFeedback jsontext.Value `json:"promptFeedback"`
	ModelVersion   string         `json:"modelVersion"`
	Usage          usage          `json:"usageMetadata"`

	// An answer of another endpoint.
	Embedding  jsontext.Value `json:"embedding"`
	Embeddings jsontext.Value `json:"embeddings"`
}

type candidate struct {
	Content struct {
		Parts []jsontext.Value `json:"parts"`
	} `json:"content"`
	FinishReason string         `json:"finishReason"`
	Citations    jsontext.Value `json:"citationMetadata"`
	Grounding    jsontext.Value `json:"groundingMetadata"`
}

type usage struct {
	Prompt     int `json:"promptTokenCount"`
	ToolPrompt int `json:"toolUsePromptTokenCount"` // beside Prompt
	Cached     int `json:"cachedContentTokenCount"`
	Candidates int `json:"candidatesTokenCount"`
	Thoughts   int `json:"thoughtsTokenCount"` // beside Candidates
}

// Decode implements llm.Codec. A prompt that was blocked is a refusal.
func (*Codec) Decode(body json.RawMessage) (llm.Reply, error) {
	if len(body) == 0 {
		return llm.Reply{}, errors.New("gemini: decode: empty body")
	}
	var r response
	if err := jsonv2.Unmarshal(body, &r, tolerant); err != nil {
		return llm.Reply{}, fmt.Errorf("gemini: decode: %w", err)
	}
	out := llm.Reply{Model: r.ModelVersion, Usage: llm.Usage{
		Input: r.Usage.Prompt + r.Usage.ToolPrompt, CachedInput: r.Usage.Cached,
		Output: r.Usage.Candidates + r.Usage.Thoughts, Reasoning: r.Usage.Thoughts,
	}}
	var items []llm.Item
	for i := range r.Candidates {
		items = append(items, r.Candidates[i].into(&out))
	}
	if n := len(items); n > 0 {
		out.Text = items[n-1].Text
	}
	if len(items) > 1 {
		out.Items = items
	}
	feedback := wire.Members(r.PromptFeedback)
	if reason := feedback.Text("blockReason"); reason != "" && len(items) == 0 {
		out.Finish = reason
		out.Refusal = cmp.Or(feedback.Text("blockReasonMessage"), "the prompt was blocked: "+reason)
	}
	out.Other = out.Other || wire.IsSet(r.Embedding) || wire.IsSet(r.Embeddings)
	return out, nil
}

// into takes a candidate, and returns what it says.
func (c *candidate) into(out *llm.Reply) llm.Item {
	out.Finish = c.FinishReason
	var said strings.Builder
	for _, v := range c.Content.Parts {
		part := wire.Members(v)
		switch call := wire.Members(part["functionCall"]); {
		case part["thought"].Kind() == 't':
		case call != nil:
			out.ToolCalls = append(out.ToolCalls, llm.ToolCall{ID: call.Text("id"), Name: call.Text("name"), Arguments: json.RawMessage(call["args"])})
			out.Other = true
		case part["text"] != nil:
			said.WriteString(part.Text("text"))
		default:
			out.Other = true
		}
	}
	out.Citations = append(out.Citations, citations(wire.Members(c.Citations), wire.Members(c.Grounding))...)
	return llm.Item{Text: said.String()}
}

// citations names the sources of an answer. The places that come with them are
// places in the answer, not in the source.
func citations(metadata, grounding wire.Object) []llm.Citation {
	var all []llm.Citation
	cite := func(source wire.Object) {
		title := cmp.Or(source.Text("title"), source.Text("uri"))
		if title != "" {
			all = append(all, llm.Citation{Quote: source.Text("text"), Title: title, Document: llm.NoDocument})
		}
	}
	for _, v := range wire.List(metadata["citationSources"]) {
		cite(wire.Members(v))
	}
	for _, v := range wire.List(grounding["groundingChunks"]) {
		chunk := wire.Members(v)
		for _, kind := range []string{"web", "retrievedContext", "maps"} {
			cite(wire.Members(chunk[kind]))
		}
	}
	return all
}
