package simulator

import (
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Row is one request of a batch, or a live call, as the model sees it.
type Row struct {
	// Provider is the name of the provider that it was sent to.
	Provider string
	// Endpoint is the path that the request is for, such as
	// /v1/chat/completions.
	Endpoint string
	// Model is the model that the body names.
	Model string
	// CustomID is the client's name for the row. It may be empty in a live
	// call.
	CustomID string
	// Body is the request's JSON. It is valid only during the call.
	Body []byte

	request protocol.Request // Body, if it was parsed before
	owner   string           // whose prompts are cached with its
}

// Reply is what the model makes of a [Row]: a text, a refusal or an error.
type Reply struct {
	// Text is what the assistant says.
	Text string
	// Refusal is what the assistant says instead if it refuses.
	Refusal string
	// FinishReason is why the answer ends. The words "stop", "length" and
	// "content_filter" become those of the provider. Zero means "stop".
	FinishReason string
	// Citations are what the answer cites of the documents in the request, for
	// providers that have citations.
	Citations []Citation
	// Error makes the row fail. Nil means that it succeeds.
	Error *RowError
	// Body is the JSON to answer with, if the one made from the other fields
	// will not do. It is not checked. Nil means to make it.
	Body []byte
	// Raw is the JSON of the members of the row's line in its result file,
	// without its id, as it stands, for lines that no server should write. Of
	// OpenAI these are "response" and "error". Live calls have none.
	// Error still says which file that is, and whether the row is billed. Nil
	// means to make it.
	Raw []byte
	// InputTokens and OutputTokens are what the row costs. Zero means an
	// estimate of a token for every four bytes.
	InputTokens, OutputTokens int64
	// CachedTokens is how many of the InputTokens came from a cache.
	CachedTokens int64
	// CacheWrites is how many of the InputTokens were written to a cache, and
	// HourWrites how many of these to one that keeps them for an hour.
	CacheWrites, HourWrites int64
}

// Citation is a part of a document that an answer cites.
type Citation struct {
	// Document is the index of the document in the request, from 0.
	Document int
	// Kind is what Start and End count: "char" for characters from 0, "page"
	// for pages from 1, or "block" for blocks of the document from 0.
	Kind string
	// Start is where the part begins, and End is behind its end.
	Start, End int
	// Text is what is cited.
	Text string
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
	// Code and Message are sent to the client. Zero means a code of the
	// provider that suits the status.
	Code, Message string
}

// rendered is the reply as a protocol gets it.
func (r Reply) rendered() protocol.Reply {
	return protocol.Reply{
		Text: r.Text, Refusal: r.Refusal, FinishReason: r.FinishReason,
		Error: (*protocol.RowError)(r.Error), Body: r.Body, Raw: r.Raw,
		InputTokens: r.InputTokens, OutputTokens: r.OutputTokens, CachedTokens: r.CachedTokens,
		CacheWrites: r.CacheWrites, HourWrites: r.HourWrites,
		Citations: renderedCitations(r.Citations),
	}
}

func renderedCitations(all []Citation) (rendered []protocol.Citation) {
	for _, c := range all {
		rendered = append(rendered, protocol.Citation{
			Document: c.Document, Kind: protocol.Location(c.Kind), Start: c.Start, End: c.End, Text: c.Text,
		})
	}
	return rendered
}

// ask puts a row to the model and returns what it says, with what that costs.
// The lot is what the row's chance depends on.
func (s *Simulator) ask(lot int, req Row) Reply {
	reply, faulty := s.cfg.Rows.reply(s.cfg.Seed, lot, req)
	if !faulty {
		reply = s.cfg.Answer(req)
	}
	if reply.InputTokens == 0 {
		reply.InputTokens = protocol.EstimateTokens(len(req.Body))
	}
	if reply.OutputTokens == 0 {
		reply.OutputTokens = protocol.EstimateTokens(len(reply.Text) + len(reply.Refusal))
	}
	s.prompts.ask(&reply, &req, s.clock.now())
	return reply
}

// The replies that Echo and RowFaults fail rows with.

func invalidRow() Reply {
	return Reply{Error: &RowError{400, "", "The simulator was told to find this request invalid."}}
}

func limitedRow() Reply {
	return Reply{Error: &RowError{429, "", "The simulator was told to limit this request."}}
}

func brokenRow() Reply {
	return Reply{Error: &RowError{500, "", "The simulator was told to fail at this request."}}
}

func timedOutRow() Reply {
	return Reply{Error: &RowError{0, "", "The simulator was told to let this request time out."}}
}

func refusedRow() Reply { return Reply{Refusal: "I'm sorry, but I can't help with that."} }

func cutRow() Reply {
	return Reply{Text: "This answer was cut", FinishReason: protocol.FinishLength}
}

func filteredRow() Reply { return Reply{FinishReason: protocol.FinishFilter} }
