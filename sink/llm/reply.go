package llm

import "encoding/json"

// Reply is what a model answered.
type Reply struct {
	// Text is the answer. Of several items it is the last one's.
	Text string
	// Items are all items of an answer that has several, in their order: the
	// messages of a response, or the choices of a completion.
	Items []Item
	// ToolCalls are the calls of tools that the model asks for.
	ToolCalls []ToolCall
	// Citations say which parts of documents the answer rests on.
	Citations []Citation
	// Other is true if the answer is not text but something else, such as calls
	// of tools or embeddings.
	Other bool
	// Refusal is the model's reason not to answer, "" if it did.
	Refusal string
	// Finish is the provider's word for why the model stopped.
	Finish string
	// Model is the exact model that answered.
	Model string
	Usage Usage
}

// Item is one of several parts of an answer.
type Item struct {
	Text    string `json:"text,omitempty"`
	Refusal string `json:"refusal,omitempty"`
}

// ToolCall is a call that the model asks for.
type ToolCall struct {
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
}

// Citation is a part of a document that an answer rests on.
type Citation struct {
	Quote    string `json:"quote,omitempty"` // the words of the document
	Document int    `json:"document"`        // counted from 0, over the documents of the chat; or NoDocument
	Title    string `json:"title,omitempty"`
	Unit     Unit   `json:"unit,omitempty"` // what From and To count
	From     int    `json:"from"`
	To       int    `json:"to"` // the first one that does not belong to it
	// At is the part of Reply.Text that rests on it. It is zero if the provider
	// does not say.
	At Span `json:"at,omitzero"`
}

// Span is a part of a text, in bytes.
type Span struct {
	From int `json:"from"`
	To   int `json:"to"` // the first byte that does not belong to it
}

// NoDocument is the Document of a Citation whose source is not in the chat,
// such as a page of the web.
const NoDocument = -1

// Unit is what the places of a Citation count.
type Unit string

// The units: characters and blocks are counted from 0, pages from 1.
const (
	UnitCharacter Unit = "char"
	UnitPage      Unit = "page"
	UnitBlock     Unit = "block"
)

// Usage counts tokens as they are billed.
type Usage struct {
	Input       int `json:"input_tokens"`
	CachedInput int `json:"cached_input_tokens,omitempty"`     // part of Input
	CacheWrites int `json:"cache_write_tokens,omitempty"`      // part of Input
	HourWrites  int `json:"cache_write_hour_tokens,omitempty"` // part of CacheWrites, kept for an hour
	Output      int `json:"output_tokens"`
	Reasoning   int `json:"reasoning_tokens,omitempty"` // part of Output
}

// Add returns the sum.
func (u Usage) Add(v Usage) Usage {
	u.Input += v.Input
	u.CachedInput += v.CachedInput
	u.CacheWrites += v.CacheWrites
	u.HourWrites += v.HourWrites
	u.Output += v.Output
	u.Reasoning += v.Reasoning
	return u
}
