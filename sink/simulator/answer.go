package simulator

import (
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Row is one request of a batch, as the model sees it.
type Row struct {
	// Endpoint is the path that the request is for, such as
	// /v1/chat/completions.
	Endpoint string
	// Model is the model that the body names.
	Model string
	// CustomID is the client's name for the row.
	CustomID string
	// Body is the request's JSON. It is valid only during the call.
	Body []byte

	request protocol.Request // Body, if it was parsed before
}

// Reply is what the model makes of a [Row]: a text, a refusal or an error.
type Reply struct {
	// Text is what the assistant says.
	Text string
	// Refusal is what the assistant says instead if it refuses.
	Refusal string
	// FinishReason is why the answer ends. Zero means "stop".
	FinishReason string
	// Error makes the row fail. Nil means that it succeeds.
	Error *RowError
	// Body is the JSON to answer with, if the one made from the other fields
	// will not do. It is not checked. Nil means to make it.
	Body []byte
	// Raw is the JSON of the members "response" and "error" of the row's line
	// in its result file, as it stands, for lines that no server should write.
	// Error still says which file that is, and whether the row is billed. Nil
	// means to make it.
	Raw []byte
	// InputTokens and OutputTokens are what the row costs. Zero means an
	// estimate of a token for every four bytes.
	InputTokens, OutputTokens int64
}

// status is the HTTP status of the reply, 0 if it has none.
func (r Reply) status() int {
	if r.Error != nil {
		return r.Error.Status
	}
	return http.StatusOK
}

// RowError is the failure of one row. A row that failed costs nothing.
type RowError struct {
	// Status is the HTTP status of the model call. Zero means that it gave
	// none, as with code request_timeout.
	Status int
	// Code and Message are sent to the client.
	Code, Message string
}

// rendered is the reply as a protocol gets it.
func (r Reply) rendered() protocol.Reply {
	return protocol.Reply{
		Text: r.Text, Refusal: r.Refusal, FinishReason: r.FinishReason,
		Error: (*protocol.RowError)(r.Error), Body: r.Body, Raw: r.Raw,
		InputTokens: r.InputTokens, OutputTokens: r.OutputTokens,
	}
}

// The replies that Echo and RowFaults fail rows with.

func invalidRow() Reply {
	return Reply{Error: &RowError{400, "invalid_value", "The simulator was told to find this request invalid."}}
}

func limitedRow() Reply {
	return Reply{Error: &RowError{429, "rate_limit_exceeded", "The simulator was told to limit this request."}}
}

func brokenRow() Reply {
	return Reply{Error: &RowError{500, "server_error", "The simulator was told to fail at this request."}}
}

func timedOutRow() Reply {
	return Reply{Error: &RowError{0, "request_timeout", "The simulator was told to let this request time out."}}
}

func refusedRow() Reply { return Reply{Refusal: "I'm sorry, but I can't help with that."} }

func cutRow() Reply { return Reply{Text: "This answer was cut", FinishReason: "length"} }
