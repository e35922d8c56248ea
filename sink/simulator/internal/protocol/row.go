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
}

// A Request is the body of a row as a model understands it.
type Request interface {
	// Prompt returns the last user message, or what else is asked about. It is
	// empty if there is none.
	Prompt() string
	// Schema returns the schema that the answer must follow, nil if plain text
	// will do.
	Schema() *Schema
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
	Error                     *RowError // nil: the row succeeded
	Body, Raw                 []byte
	InputTokens, OutputTokens int64
}

// RowError is the failure of one row.
type RowError struct {
	Status        int // 0: the model call gave none
	Code, Message string
}

// EstimateTokens returns the number of tokens of n bytes: four bytes make a
// token, which is close for English text.
func EstimateTokens(n int) int64 { return int64(n+3) / 4 }
