package sink

import (
	"encoding/json"
	"net/http"
)

// LiveCall is the synchronous call that answers one row.
type LiveCall struct {
	// Endpoint and Model are those of a Spec.
	Endpoint, Model string
	// Header is sent beside what the client itself sends.
	Header http.Header
	// Body is that of a Row.
	Body json.RawMessage
}

// LiveReply is the reply to a LiveCall.
type LiveReply struct {
	Status int // HTTP; 0 if there was no reply
	Header http.Header
	Body   []byte
}
