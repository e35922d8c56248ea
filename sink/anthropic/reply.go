package anthropic

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

// message holds the parts of a message that say something.
type message struct {
	Model       string           `json:"model"`
	Content     []jsontext.Value `json:"content"`
	StopReason  string           `json:"stop_reason"`
	StopDetails jsontext.Value   `json:"stop_details"`
	Usage       usage            `json:"usage"`
}

type usage struct {
	Input       int `json:"input_tokens"` // beside what was read from the cache or written to it
	Output      int `json:"output_tokens"`
	CacheWrites int `json:"cache_creation_input_tokens"`
	Kept        struct {
		Hour int `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	CacheReads int `json:"cache_read_input_tokens"`
}

// Decode implements llm.Codec. It reads the message of a row that succeeded.
func (c *Codec) Decode(body json.RawMessage) (llm.Reply, error) {
	if len(body) == 0 {
		return llm.Reply{}, errors.New("anthropic: decode: empty body")
	}
	var m message
	if err := jsonv2.Unmarshal(body, &m, tolerant); err != nil {
		return llm.Reply{}, fmt.Errorf("anthropic: decode: %w", err)
	}
	out := llm.Reply{Model: m.Model, Finish: m.StopReason, Usage: llm.Usage{
		Input:       m.Usage.Input + m.Usage.CacheReads + m.Usage.CacheWrites,
		CachedInput: m.Usage.CacheReads, CacheWrites: m.Usage.CacheWrites, HourWrites: m.Usage.Kept.Hour,
		Output: m.Usage.Output,
	}}
	var said strings.Builder
	for _, block := range m.Content {
		before := len(out.Citations)
		at := llm.Span{From: said.Len()}
		said.WriteString(into(&out, wire.Members(block)))
		at.To = said.Len()
		for i := range out.Citations[before:] {
			out.Citations[before+i].At = at
		}
	}
	out.Text = said.String()
	if m.StopReason == "refusal" {
		out.Refusal = wire.Members(m.StopDetails).Text("explanation")
	}
	return out, nil
}

// into takes a block of an answer, and returns its text. An answer with
// citations consists of several texts.
func into(out *llm.Reply, block wire.Object) string {
	switch block.Text("type") {
	case "text":
		for _, c := range wire.List(block["citations"]) {
			out.Citations = append(out.Citations, citation(wire.Members(c)))
		}
		return block.Text("text")
	case "thinking", "redacted_thinking":
		return ""
	case "tool_use":
		out.ToolCalls = append(out.ToolCalls, llm.ToolCall{ID: block.Text("id"), Name: block.Text("name"), Arguments: json.RawMessage(block["input"])})
	}
	out.Other = true
	return ""
}

// places are where the types of citations say what they count.
var places = map[string]struct {
	unit     llm.Unit
	from, to string
}{
	"char_location":          {llm.UnitCharacter, "start_char_index", "end_char_index"},
	"page_location":          {llm.UnitPage, "start_page_number", "end_page_number"},
	"content_block_location": {llm.UnitBlock, "start_block_index", "end_block_index"},
}

// citation reads where a text has something from. Results of searches are no
// documents of the chat.
func citation(o wire.Object) llm.Citation {
	c := llm.Citation{Quote: o.Text("cited_text"), Document: llm.NoDocument}
	place, isDocument := places[o.Text("type")]
	if !isDocument {
		c.Title = cmp.Or(o.Text("title"), o.Text("url"), o.Text("source"))
		return c
	}
	c.Title, c.Unit = o.Text("document_title"), place.unit
	c.Document, c.From, c.To = wire.Integer(o["document_index"]), wire.Integer(o[place.from]), wire.Integer(o[place.to])
	return c
}
