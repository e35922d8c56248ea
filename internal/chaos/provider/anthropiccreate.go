package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"
)

// maxRequests is how many rows a batch may have.
const maxRequests = 100_000

var customID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// create takes a batch with its rows. It may be applied later than it is
// answered, or be answered never.
func (s anthropic) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		deny(w, 400, "invalid_request_error", "The body is torn")
		return
	}
	received := time.Now()
	rows, faults := s.parse(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.plan.MaxBytes > 0 && int64(len(body)) > s.plan.MaxBytes:
		s.dice.note(CreateTooLarge, "")
		s.tooLarge(w)
		return
	case len(faults) > 0:
		deny(w, 400, "invalid_request_error", faults[0].Message)
		return
	case s.plan.Enqueued > 0 && len(rows)+s.queued(received) > s.plan.Enqueued:
		s.dice.note(RefuseFull, "")
		deny(w, 429, "rate_limit_error", "Too many batch requests in the processing queue")
		return
	case s.dice.roll(RefuseTokens, ""): // those of others are in the way
		deny(w, 429, "rate_limit_error", "Too many batch requests in the processing queue")
		return
	}
	b := &BatchRecord{
		N: len(s.batches) + 1, Endpoint: "/v1/messages", Metadata: prefix(rows), Rows: rows,
		Workspace: workspaceOf(r), Received: received, Created: time.Now(),
	}
	b.ID = fmt.Sprintf("msgbatch_%d", b.N)
	b.Input = "body-" + b.ID
	delayed := s.delay(b)
	s.store(b.Input, body)
	s.write(b)
	s.happen(event{Batch: b})
	s.compete(b)
	if delayed {
		hangUp(w)
		return
	}
	reply(w, 200, s.object(b, time.Now()))
}

// tooLarge refuses a body, as the provider does or what stands before it.
func (s anthropic) tooLarge(w http.ResponseWriter) {
	if s.dice.IntN(2) == 0 {
		deny(w, 413, "request_too_large", "Request exceeds the maximum size")
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	_, _ = w.Write([]byte("<html><body>413 Request Entity Too Large</body></html>"))
}

// queued are the rows of the client's batches that are open.
func (s anthropic) queued(now time.Time) (n int) {
	for _, b := range s.batches {
		if b.raw == nil && !b.Foreign && now.Before(b.End) {
			n += len(b.Rows)
		}
	}
	return n
}

// prefix is what the ids of all rows begin with. The provider does nothing with
// it: whoever reads the record tells by it which batches have the same rows.
func prefix(rows []row) json.RawMessage {
	common := []byte(rows[0].CustomID)
	for i := range rows {
		n := 0
		for n < len(common) && n < len(rows[i].CustomID) && common[n] == rows[i].CustomID[n] {
			n++
		}
		common = common[:n]
	}
	text, err := json.Marshal(string(common[:min(len(common), len(ForeignTag))]))
	if err != nil {
		panic(err)
	}
	return text
}

// workspaceOf is the workspace that a call is about. That of the key has no
// name.
func workspaceOf(r *http.Request) string { return r.Header.Get(workspaceHeader) }

// parse implements front. The first fault is what the creation is refused with.
func (anthropic) parse(content []byte) (rows []row, faults []refusal) {
	var spec struct {
		Requests []struct {
			CustomID string          `json:"custom_id"`
			Params   json.RawMessage `json:"params"`
		} `json:"requests"`
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	wrong := func(format string, args ...any) {
		faults = append(faults, refusal{Code: codeInvalid, Message: fmt.Sprintf(format, args...)})
	}
	if err := dec.Decode(&spec); err != nil {
		wrong("The request body is not valid JSON: %v", err)
		return nil, faults
	}
	if n := len(spec.Requests); n == 0 || n > maxRequests {
		wrong("requests: List should have at least 1 and at most %d items, not %d", maxRequests, n)
	}
	seen := make(map[string]bool, len(spec.Requests))
	for i, r := range spec.Requests {
		switch {
		case !customID.MatchString(r.CustomID):
			wrong("requests.%d.custom_id: String should match pattern '%s'", i, customID)
		case seen[r.CustomID]:
			wrong("requests.%d.custom_id: Duplicate custom_id %q", i, r.CustomID)
		case !bytes.HasPrefix(bytes.TrimSpace(r.Params), []byte("{")):
			wrong("requests.%d.params: Input should be an object", i)
		}
		seen[r.CustomID] = true
		asked := row{CustomID: r.CustomID, Body: r.Params}
		asked.question, asked.wrong = ask(r.Params)
		rows = append(rows, asked)
	}
	return rows, faults
}

// ask reads the params of a row as they are validated when it runs.
func ask(params []byte) (question, wrong string) {
	var p struct {
		Model       string          `json:"model"`
		MaxTokens   int             `json:"max_tokens"`
		Stream      bool            `json:"stream"`
		Temperature json.RawMessage `json:"temperature"`
		TopP        json.RawMessage `json:"top_p"`
		TopK        json.RawMessage `json:"top_k"`
	}
	question, err := Question(params)
	if err == nil {
		err = json.Unmarshal(params, &p)
	}
	switch {
	case err != nil:
		return question, err.Error()
	case p.Model == "":
		return question, "model: Field required"
	case p.MaxTokens < 1:
		return question, "max_tokens: Input should be greater than or equal to 1"
	case p.Stream:
		return question, "stream: Not permitted in a batch"
	case p.Temperature != nil, p.TopP != nil, p.TopK != nil:
		return question, "temperature, top_p, top_k: Extra inputs are not permitted"
	}
	return question, ""
}
