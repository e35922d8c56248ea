package completions

import (
	"encoding/json"
	"errors"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// usage is named differently by different endpoints.
type usage struct {
	Prompt       int     `json:"prompt_tokens"`
	Completion   int     `json:"completion_tokens"`
	Input        int     `json:"input_tokens"`
	Output       int     `json:"output_tokens"`
	PromptDetail details `json:"prompt_tokens_details"`
	InputDetail  details `json:"input_tokens_details"`
	ComplDetail  details `json:"completion_tokens_details"`
	OutputDetail details `json:"output_tokens_details"`
	NumCached    int     `json:"num_cached_tokens"` // again, or instead
}

type details struct {
	Cached    int `json:"cached_tokens"`
	Writes    int `json:"cache_write_tokens"`
	Reasoning int `json:"reasoning_tokens"`
}

func (u *usage) tokens() llm.Usage {
	if u == nil {
		return llm.Usage{}
	}
	return llm.Usage{
		Input: u.Prompt + u.Input, Output: u.Completion + u.Output,
		CachedInput: max(u.PromptDetail.Cached+u.InputDetail.Cached, u.NumCached),
		CacheWrites: u.PromptDetail.Writes + u.InputDetail.Writes,
		Reasoning:   u.ComplDetail.Reasoning + u.OutputDetail.Reasoning,
	}
}

// reply holds the parts of every endpoint's body that say something.
type reply struct {
	Object  string   `json:"object"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`

	Status     string       `json:"status"`
	Output     []outputItem `json:"output"`
	Incomplete struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`

	Text  jsontext.Value `json:"text"`
	Usage *usage         `json:"usage"`

	// Complaints, in the place of an answer.
	Error   jsontext.Value `json:"error"`
	Message jsontext.Value `json:"message"`
	Detail  jsontext.Value `json:"detail"`
}

type choice struct {
	Text         string `json:"text"`
	FinishReason string `json:"finish_reason"`
	Message      struct {
		Content     content          `json:"content"`
		Refusal     string           `json:"refusal"`
		Annotations jsontext.Value   `json:"annotations"`
		ToolCalls   []jsontext.Value `json:"tool_calls"`
		Function    jsontext.Value   `json:"function_call"`
		Audio       jsontext.Value   `json:"audio"`
	} `json:"message"`
}

type outputItem struct {
	Type    string `json:"type"`
	Content []struct {
		Text        string         `json:"text"`
		Refusal     string         `json:"refusal"`
		Annotations jsontext.Value `json:"annotations"`
	} `json:"content"`

	// An item may be a call of a tool.
	CallID jsontext.Value `json:"call_id"`
	calledTool
}

// Decode reads the answer of any endpoint. One that has no chats gives Other,
// the usage, and the text if it has one, such as a transcription.
func Decode(body json.RawMessage) (llm.Reply, error) {
	if out, ok := decodePlain(body); ok {
		return out, nil
	}
	var r reply
	if len(body) == 0 {
		return llm.Reply{}, errors.New("empty body")
	}
	if err := jsonv2.Unmarshal(body, &r, tolerant); err != nil {
		return llm.Reply{}, err
	}
	return r.read(body), nil
}

// read returns what the body says.
func (r *reply) read(body []byte) llm.Reply {
	out := llm.Reply{Model: r.Model, Finish: r.Status, Usage: r.Usage.tokens()}
	switch {
	case r.Status == "incomplete" && r.Incomplete.Reason != "":
		out.Finish = r.Incomplete.Reason
	case r.Choices == nil && r.Output == nil && r.isOther(body):
		// The status of a video, say, is not why a model stopped.
		out.Other, out.Finish, out.Text = true, "", wire.Text(r.Text)
	}
	var items []llm.Item
	for i := range r.Choices {
		items = append(items, r.Choices[i].into(&out))
	}
	for i := range r.Output {
		if item, isMessage := r.Output[i].into(&out); isMessage {
			items = append(items, item)
		}
	}
	if n := len(items); n > 0 {
		out.Text, out.Refusal = items[n-1].Text, items[n-1].Refusal
	}
	if len(items) > 1 {
		out.Items = items
	}
	return out
}

// isOther reports whether a body without a reply is that of an endpoint which
// has none.
func (r *reply) isOther(body []byte) bool {
	switch r.Object {
	case "chat.completion", "text_completion", "response":
		return false
	}
	isEmpty := len(strings.Trim(string(body[:min(len(body), 100)]), "{} \t\r\n")) == 0
	return !isEmpty && !wire.IsSet(r.Error) && !wire.IsSet(r.Message) && !wire.IsSet(r.Detail)
}

// into takes a choice of a completion, and returns what it says.
func (c *choice) into(out *llm.Reply) llm.Item {
	m := &c.Message
	for _, call := range m.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, toolCallOf(call))
	}
	if wire.IsSet(m.Function) {
		out.ToolCalls = append(out.ToolCalls, calledToolOf(m.Function).call(""))
	}
	out.Citations = append(out.Citations, citations(m.Annotations)...)
	out.Finish = c.FinishReason
	item, hasMore := m.Content.read(out)
	out.Other = hasMore || len(m.ToolCalls) > 0 || wire.IsSet(m.Function) || wire.IsSet(m.Audio)
	item.Text += c.Text
	item.Refusal += m.Refusal
	return item
}

// into takes an item of a response, and returns what it says if it is a message
// that says something. Each message is an answer of its own.
func (o *outputItem) into(out *llm.Reply) (item llm.Item, isMessage bool) {
	switch o.Type {
	case "message":
	case "reasoning":
		return item, false
	case "function_call", "custom_tool_call":
		out.ToolCalls = append(out.ToolCalls, o.call(wire.Text(o.CallID)))
		fallthrough
	default:
		out.Other = true
		return item, false
	}
	var said, refused strings.Builder
	for _, part := range o.Content {
		said.WriteString(part.Text)
		refused.WriteString(part.Refusal)
		out.Citations = append(out.Citations, citations(part.Annotations)...)
	}
	return llm.Item{Text: said.String(), Refusal: refused.String()}, said.Len()+refused.Len() > 0
}

// content is what a message says: a text, or parts.
type content struct {
	text  string
	parts jsontext.Value // nil if there are none
}

// UnmarshalJSONFrom takes whatever the content is. It copies a text once.
func (c *content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		text, err := d.ReadToken()
		if err == nil {
			*c = content{text: text.String()}
		}
		return err
	}
	v, err := d.ReadValue()
	*c = content{}
	if v.Kind() == '[' {
		c.parts = v.Clone()
	}
	return err
}

// read reads the content. It returns what it says, and whether there is anything
// else that answers.
func (c *content) read(out *llm.Reply) (item llm.Item, hasMore bool) {
	if c.parts == nil {
		return llm.Item{Text: c.text}, false
	}
	var said, refused strings.Builder
	for _, item := range wire.List(c.parts) {
		part := wire.Members(item)
		switch kind := part.Text("type"); {
		case kind == "thinking":
		case kind == "refusal":
			refused.WriteString(part.Text("refusal"))
		case kind == "reference":
			out.Citations = append(out.Citations, references(part)...)
		case part["text"] != nil || kind == "":
			said.WriteString(part.Text("text"))
		default:
			hasMore = true
		}
	}
	return llm.Item{Text: said.String(), Refusal: refused.String()}, hasMore
}

// references names the sources that a part refers to by their number.
func references(part wire.Object) []llm.Citation {
	var all []llm.Citation
	for _, id := range wire.List(part["reference_ids"]) {
		if title := loose.AsWritten(id); title != "" {
			all = append(all, llm.Citation{Title: title, Document: llm.NoDocument})
		}
	}
	return all
}

// tolerant reads what compatible servers write. The reader is the one of
// encoding/json/v2, which reads each byte once.
var tolerant = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
