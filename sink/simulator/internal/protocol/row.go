package protocol

// A Row is one row of an input.
type Row struct {
	// ID is the client's name for the row, as JSON: it is sent back as it came.
	ID []byte
	// CustomID is the same as text.
	CustomID string
	// Body is the JSON that the model is asked.
	Body []byte
	// Request is the body, parsed.
	Request Request
	// Model is the model that it asks. Empty means the batch's.
	Model string
	// Error is what the row fails with, without being put to the model.
	Error *RowError
}

// A Request is the body of a row as a model understands it.
type Request interface {
	// Prompt returns the last user message, or what else is asked about. It is
	// empty if there is none.
	Prompt() string
	// Schema returns the schema that the answer must follow, nil if plain text
	// will do.
	Schema() *Schema
	// MaxTokens returns how long the answer may be; 0 means that the request
	// does not say.
	MaxTokens() int64
	// Documents returns the documents that the answer is to cite.
	Documents() []Document
}

// A Document is something that an answer may cite.
type Document struct {
	Index int // among the documents of the request
	Kind  Location
	Text  string // its beginning, as far as it is text
}

// Location is how a citation says where it is from.
type Location string

// The kinds of locations.
const (
	CharLocation  Location = "char"  // characters, from 0
	PageLocation  Location = "page"  // pages, from 1
	BlockLocation Location = "block" // blocks of the content, from 0
)

// A Citation is a part of a document that an answer cites. The simulator's
// Citation, which has the same fields, explains it.
type Citation struct {
	Document   int
	Kind       Location
	Start, End int
	Text       string
}

// Schema is as much of JSON Schema as structured outputs allow and an example
// needs.
type Schema struct {
	Ref        string             `json:"$ref"`
	Defs       map[string]*Schema `json:"$defs"`
	Type       any                `json:"type"` // a name, or a list of names
	Const      any                `json:"const"`
	Enum       []any              `json:"enum"`
	AnyOf      []*Schema          `json:"anyOf"`
	Properties map[string]*Schema `json:"properties"`
	Items      *Schema            `json:"items"`
	MinItems   int                `json:"minItems"`
	Minimum    float64            `json:"minimum"`
	Format     string             `json:"format"`
}

// A Reply is what the model makes of a row. The simulator's Reply, which has
// the same fields, explains them.
type Reply struct {
	Text, Refusal             string
	FinishReason              string
	Citations                 []Citation
	Error                     *RowError // nil: the row succeeded
	Body, Raw                 []byte
	InputTokens, OutputTokens int64
	CachedTokens              int64
	CacheWrites, HourWrites   int64
}

// The reasons why an answer ends. Each protocol has its own words for them. A
// FinishReason that is none of these is a provider's word already, and empty
// means FinishStop.
const (
	FinishStop   = "stop"
	FinishLength = "length"         // of the tokens that the request allows
	FinishFilter = "content_filter" // what there is of the answer is not to be relied on
)

// RowError is the failure of one row.
type RowError struct {
	Status  int    // 0: the model call gave none
	Code    string // empty: one of the protocol's that suits the status
	Message string
}

// EstimateTokens returns the number of tokens of n bytes: four bytes make a
// token, which is close for English text.
func EstimateTokens(n int) int64 { return int64(n+3) / 4 }
