package protocol

import (
	"net/http"
	"time"
)

// A Protocol is the wire protocol of a provider. It holds no state: what has to
// be kept is in the records that a [Session] reads and writes.
type Protocol interface {
	// Info describes the protocol. It is always the same.
	Info() Info

	// Routes returns the requests that it serves, the one for unknown paths
	// among them, whose pattern is "/".
	Routes() []Route

	// SetHeader sets the header that every reply carries, also one that a fault
	// makes up.
	SetHeader(h http.Header)

	// WriteError replies with an error that is not a handler's: a fault asked
	// for it, or the simulator itself is broken. An empty code means one that
	// suits the status.
	WriteError(w http.ResponseWriter, status int, code, message string)

	// Validate checks the input of b before any of its rows runs. The session
	// sees what b's account saw when b was created. An error is a failure of
	// the simulator, not of the input.
	Validate(s Session, b Batch) (Verdict, error)

	// Full is why a batch fails validation that would exceed a limit.
	Full(r *RefusalError) LineError

	// ParseRequest reads the body of a row.
	ParseRequest(body []byte) Request

	// Rows returns what reads the rows of b and writes their results.
	Rows(b Batch) Rows
}

// Info describes a protocol.
type Info struct {
	// BasePath is what the base URL of the provider's clients ends in, such as
	// /v1. It is empty if that is only a host.
	BasePath string
	// Limits are the limits of the provider itself; zero means that it has
	// none.
	Limits Limits
	// NeverFails says that no batch fails validation: what is wrong with an
	// input is found when it is created, or when a row runs. Then Validate
	// reports no errors, Full is not called, and no fault makes a batch fail.
	NeverFails bool
}

// A Route is a kind of request.
type Route struct {
	// Pattern is what it matches, as for [http.ServeMux]. It is also the name
	// of the route in faults and in the request log. A wildcard at its end may
	// be followed by a colon and a verb, as in
	// "POST /v1beta/models/{model}:batchGenerateContent"; the value of the
	// wildcard is what is before the colon.
	Pattern string
	// Kind is what it is for.
	Kind RouteKind
	// Serve replies to a request. It asks p for the session of the request's
	// key.
	Serve func(p Provider, w http.ResponseWriter, r *http.Request)
}

// RouteKind is what a route is for.
type RouteKind string

// The kinds of routes.
const (
	RouteOther    RouteKind = ""
	RouteUpload   RouteKind = "upload"   // sends the content of a file
	RouteCreate   RouteKind = "create"   // creates batches
	RoutePoll     RouteKind = "poll"     // shows one batch
	RouteList     RouteKind = "list"     // lists batches
	RouteCancel   RouteKind = "cancel"   // cancels a batch
	RouteDownload RouteKind = "download" // sends results
	RouteDelete   RouteKind = "delete"   // deletes a file or a batch
	RouteLive     RouteKind = "live"     // asks the model and waits for the answer
)

// A Verdict is what validation found.
type Verdict struct {
	Rows   int
	Model  string
	Tokens int64       // of input; they count against the limit until the batch ends
	Errors []LineError // none means that the rows may run
}

// Rows reads the rows of one batch and writes their results, one row at a time.
// Every row goes through it, so it allocates as little as it can.
type Rows interface {
	// Read takes a line of the input apart. The line has passed validation. The
	// row is valid until the next call.
	Read(line []byte) Row

	// AppendResult appends the line of a row that ran, with its line break.
	AppendResult(b []byte, r Row, reply Reply) []byte

	// AppendNotRun appends the line of a row that did not run, because the
	// batch expired or else because it was cancelled. It appends nothing if
	// such rows are in no file.
	AppendNotRun(b []byte, r Row, expired bool) []byte

	// ResultFile describes the file, made now, that holds results of the given
	// kind: its name, purpose and expiry, and whether it is hidden. If all
	// results are in one file it is asked for Succeeded.
	ResultFile(kind ResultKind, now time.Time) File
}

// A ResultKind says which results a file holds.
type ResultKind int

// The kinds of results.
const (
	Succeeded ResultKind = iota
	NotSucceeded
)
