package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"regexp"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// kept is what has to be known of a batch when its rows run.
type kept struct {
	Version string   `json:"version"`
	Files   bool     `json:"files,omitempty"`  // rows may refer to files
	Models  []string `json:"models,omitempty"` // that there are; none means all
}

// createBatch creates a batch of the rows in the request. Their names are
// checked now, and what they ask when they run.
func createBatch(c call) (any, error) {
	rules := c.Rules()
	defer func() { _, _ = io.CopyN(io.Discard, c.r.Body, maxDrained) }() // a client that still sends would not see the reply
	if c.r.ContentLength > rules.BatchBytes {
		return nil, tooLarge("Request exceeds the maximum size")
	}
	in := input{rules: rules, body: http.MaxBytesReader(nil, c.r.Body, rules.BatchBytes), seen: make(map[string]struct{})}
	id := protocol.NewID("file_")
	n, err := c.ReceiveLines(id, in.rows())
	if err != nil {
		c.Discard(id)
		return nil, err
	}
	f, err := c.AddFile(protocol.File{Identity: protocol.Identity{ID: id}, Bytes: n, Hidden: true})
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(kept{Version: c.version, Files: mayRefer(c.r), Models: rules.Models})
	if err != nil {
		return nil, fmt.Errorf("simulator: keep batch: %w", err)
	}
	b, err := c.AddBatch(protocol.Batch{
		Identity: protocol.Identity{ID: protocol.NewID("msgbatch_")}, Endpoint: "/v1/messages", InputFile: f.ID,
		Declared: len(in.seen), Data: data, OutputFile: protocol.NewID("file_"),
	}, window)
	if err != nil {
		return nil, err
	}
	return newBatchObject(c, b), nil
}

func tooLarge(message string) *apiError {
	return &apiError{status: http.StatusRequestEntityTooLarge, message: message}
}

// maxDrained bounds what is read of a request that was refused.
const maxDrained = 1 << 30

// input is the request that creates a batch.
type input struct {
	rules protocol.Rules
	body  io.Reader
	seen  map[string]struct{} // custom ids
}

// rows yields the requests in it, and then what is wrong with it.
func (in *input) rows() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		rest, err := scan.Extract(in.body, func(row []byte) error {
			if err := in.check(row); err != nil {
				return err
			}
			if !yield(row, nil) {
				return errNoMore
			}
			return nil
		}, "requests")
		if err == nil {
			err = in.checkRest(rest)
		}
		if err != nil && !errors.Is(err, errNoMore) {
			yield(nil, explained(err))
		}
	}
}

var errNoMore = errors.New("no more rows are wanted")

// explained is an error of the request in Anthropic's words.
func explained(err error) error {
	if _, isLarge := errors.AsType[*http.MaxBytesError](err); isLarge {
		return tooLarge("Request exceeds the maximum size")
	}
	if e, isAPI := errors.AsType[*apiError](err); isAPI {
		return e
	}
	return invalid("The request body is not valid JSON: %v", err)
}

// checkRest checks what stands beside the rows.
func (in *input) checkRest(rest []byte) error {
	unknown, listed := "", false
	scan.Members(rest, func(key, value []byte) {
		if string(key) != "requests" {
			unknown = string(key)
		} else {
			listed = string(value) == "[]"
		}
	})
	switch {
	case unknown != "":
		return invalid("%s: Extra inputs are not permitted", unknown)
	case !listed:
		return invalid("requests: Field required")
	case len(in.seen) == 0:
		return invalid("requests: List should have at least 1 item after validation, not 0")
	}
	return nil
}

// idPattern is what names a row.
var idPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// check checks a row as far as that is done before it runs.
func (in *input) check(line []byte) error {
	n := len(in.seen)
	if n >= in.rules.Rows {
		return tooLarge(fmt.Sprintf("requests: List should have at most %d items after validation", in.rules.Rows))
	}
	r, valid := parseRow(line)
	if !valid {
		return invalid("requests.%d: Input should be a valid dictionary or object", n)
	}
	if r.unknown != "" {
		return invalid("requests.%d.%s: Extra inputs are not permitted", n, r.unknown)
	}
	id, isText := scan.Unquote(r.customID)
	_, twice := in.seen[id]
	switch {
	case r.customID == nil:
		return invalid("requests.%d.custom_id: Field required", n)
	case !isText:
		return invalid("requests.%d.custom_id: Input should be a valid string", n)
	case !idPattern.MatchString(id):
		return invalid("requests.%d.custom_id: String should match pattern '%s'", n, idPattern)
	case twice:
		return invalid("requests.%d.custom_id: custom_id must be unique, and %q is used more than once", n, id)
	case r.params == nil:
		return invalid("requests.%d.params: Field required", n)
	case r.params[0] != '{':
		return invalid("requests.%d.params: Input should be a valid dictionary or object", n)
	}
	in.seen[id] = struct{}{}
	return nil
}

// Validate counts the rows. What they ask is checked when they run.
func (Protocol) Validate(s protocol.Session, b protocol.Batch) (protocol.Verdict, error) {
	f, _ := s.File(b.InputFile)
	return protocol.Verdict{Rows: b.Declared, Tokens: protocol.EstimateTokens(int(f.Bytes))}, nil
}

// Full is not called: no batch fails.
func (Protocol) Full(r *protocol.RefusalError) protocol.LineError {
	return protocol.LineError{Code: "rate_limit_error", Message: refused(r).message}
}
