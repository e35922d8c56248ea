package batchapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// creation is what creates a batch of OpenAI's.
type creation struct {
	InputFileID      string                     `json:"input_file_id"`
	Endpoint         string                     `json:"endpoint"`
	CompletionWindow string                     `json:"completion_window"`
	Metadata         map[string]json.RawMessage `json:"metadata"`
	OutputExpires    *struct {
		Anchor  string      `json:"anchor"`
		Seconds json.Number `json:"seconds"`
	} `json:"output_expires_after"`
}

// window is how long a batch may take.
const window = 24 * time.Hour

const maxCreation = 1 << 20 // bytes of a creation

func (s *Server) createBatch(c *call) error {
	if err := c.mustBeJSON(); err != nil {
		return err
	}
	r, err := readCreation(c.r.Body, s.cfg.Keep)
	if err != nil {
		return err
	}
	account, err := s.connect(c)
	if err != nil {
		return err
	}
	if all := account.endpoints(); !slices.Contains(all, r.Endpoint) {
		return invalid("invalid_value", "endpoint", "Invalid value: '%s'. Supported values are: '%s'.", r.Endpoint, strings.Join(all, "', '"))
	}
	r.ID, r.Owner, r.HadKey, r.Created = newID("batch_"), c.owner, c.caller.Key() != "", time.Now()
	r.Expires = r.Created.Add(window)
	b, err := s.add(r)
	if err != nil {
		return err
	}
	r = b.snapshot()
	s.start(b, &account)
	writeJSON(c.w, http.StatusOK, s.batchObject(&r))
	return nil
}

// readCreation returns what a creation asks for, as a batch that is not made
// yet. Its results are kept for so long unless it says how long.
func readCreation(body io.Reader, keep time.Duration) (r record, err error) {
	var req creation
	data, err := io.ReadAll(io.LimitReader(body, maxCreation))
	if err == nil {
		err = json.Unmarshal(data, &req)
	}
	if err != nil {
		return r, invalid("", "", "We could not parse the JSON body of your request: %v", err)
	}
	for _, required := range []struct{ name, value string }{
		{"input_file_id", req.InputFileID}, {"endpoint", req.Endpoint}, {"completion_window", req.CompletionWindow},
	} {
		if required.value == "" {
			return r, invalid("missing_required_parameter", required.name, "Missing required parameter: '%s'.", required.name)
		}
	}
	if req.CompletionWindow != "24h" {
		return r, invalid("invalid_value", "completion_window", "Invalid value for 'completion_window': '%s'. Supported values are: '24h'.", req.CompletionWindow)
	}
	metadata, err := metadataOf(req.Metadata)
	if at := req.OutputExpires; at != nil && err == nil {
		keep, err = expiry("output_expires_after", at.Anchor, at.Seconds.String())
	}
	return record{
		Protocol: OpenAI, Endpoint: req.Endpoint, Input: req.InputFileID, Window: req.CompletionWindow, Metadata: metadata, Status: validating, OutputKeep: keep,
	}, err
}

// openaiEndpoints are those whose requests and answers are JSON.
var openaiEndpoints = []string{"/v1/chat/completions", "/v1/responses", embeddingsEndpoint, "/v1/completions", "/v1/moderations"}

// embeddingsEndpoint is one that Mistral has, too: the requests of both name
// their model and their input alike, and so do the answers.
const embeddingsEndpoint = "/v1/embeddings"

// endpoints are those of OpenAI's that an account answers. All but chats are
// its provider's own, or embeddings of Mistral's.
func (a *Account) endpoints() (all []string) {
	embeds := a.providers()[0].Info().Name == "mistral" // no other route takes a request that is no chat
	for _, endpoint := range openaiEndpoints {
		if endpoint == openaiEndpoints[0] || endpoint == embeddingsEndpoint && embeds || slices.ContainsFunc(a.providers(), func(p sink.Provider) bool {
			name := p.Info().Name
			return name == OpenAI || catalog.IsForeign(name, endpoint)
		}) {
			all = append(all, endpoint)
		}
	}
	return all
}

// metadataOf holds metadata to OpenAI's limits.
func metadataOf(raw map[string]json.RawMessage) (map[string]string, error) {
	if len(raw) > 16 {
		return nil, invalid("object_above_max_properties", "metadata", "Invalid 'metadata': too many properties. Expected at most 16.")
	}
	metadata := make(map[string]string, len(raw))
	for key, value := range raw {
		var text string
		switch {
		case json.Unmarshal(value, &text) != nil:
			return nil, invalid("invalid_type", "metadata."+key, "Invalid type for 'metadata.%s': expected a string.", key)
		case utf8.RuneCountInString(key) > 64 || utf8.RuneCountInString(text) > 512:
			return nil, invalid("string_above_max_length", "metadata", "Invalid 'metadata': a key has at most 64 characters, and a value 512.")
		}
		metadata[key] = text
	}
	return metadata, nil
}

// batchObject is a batch as OpenAI shows it.
type batchObject struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Endpoint         string            `json:"endpoint"`
	Errors           *errorList        `json:"errors"`
	InputFileID      string            `json:"input_file_id"`
	CompletionWindow string            `json:"completion_window"`
	Status           status            `json:"status"`
	OutputFileID     *string           `json:"output_file_id"`
	ErrorFileID      *string           `json:"error_file_id"`
	CreatedAt        int64             `json:"created_at"`
	InProgressAt     *int64            `json:"in_progress_at"`
	ExpiresAt        *int64            `json:"expires_at"`
	FinalizingAt     *int64            `json:"finalizing_at"`
	CompletedAt      *int64            `json:"completed_at"`
	FailedAt         *int64            `json:"failed_at"`
	ExpiredAt        *int64            `json:"expired_at"`
	CancellingAt     *int64            `json:"cancelling_at"`
	CancelledAt      *int64            `json:"cancelled_at"`
	RequestCounts    requestCounts     `json:"request_counts"`
	Usage            responseUsage     `json:"usage"`
	Metadata         map[string]string `json:"metadata"`
}

type errorList struct {
	Object string      `json:"object"`
	Data   []lineError `json:"data"`
}

type requestCounts struct {
	Total     int `json:"total"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
}

func (s *Server) batchObject(r *record) batchObject {
	o := batchObject{
		ID: r.ID, Object: "batch", Endpoint: r.Endpoint, InputFileID: r.Input, CompletionWindow: r.Window, Status: r.Status,
		OutputFileID: optional(r.Output), ErrorFileID: optional(r.ErrorFile),
		CreatedAt: r.Created.Unix(), InProgressAt: unix(r.InProgress), ExpiresAt: unix(r.Expires), FinalizingAt: unix(r.Finalizing), CancellingAt: unix(r.Cancelling),
		RequestCounts: requestCounts{r.Rows, r.Counts.Succeeded, r.Counts.Failed}, Usage: responseUsageOf(r.Usage), Metadata: r.Metadata,
	}
	if len(r.Errors) > 0 {
		o.Errors = &errorList{"list", r.Errors}
	}
	if ended := unix(r.Ended); ended != nil {
		*map[status]**int64{completed: &o.CompletedAt, failed: &o.FailedAt, expired: &o.ExpiredAt, cancelled: &o.CancelledAt}[r.Status] = ended
	} else if r.Status != validating {
		s.progress(r, &o)
	}
	return o
}

// progress counts what has settled of a batch that has not ended. It may be a
// second or two old.
func (s *Server) progress(r *record, o *batchObject) {
	h, err := s.cfg.Dir.Attach(r.run())
	if err != nil {
		return
	}
	if now, err := h.Status(); err == nil {
		o.RequestCounts.Completed, o.RequestCounts.Failed, o.Usage = now.Succeeded, now.Failed, responseUsageOf(now.Usage)
	}
}

func (s *Server) getBatch(c *call) error {
	b, err := s.find(c)
	if err != nil {
		return err
	}
	r := b.snapshot()
	writeJSON(c.w, http.StatusOK, s.batchObject(&r))
	return nil
}

func (s *Server) listBatches(c *call) error {
	all := s.all(func(r *record) bool { return r.Owner == c.owner })
	p, objects, err := s.listed(c, all, 100, func(r *record) any { return s.batchObject(r) })
	if err == nil {
		writeJSON(c.w, http.StatusOK, p.openai(objects))
	}
	return err
}

// listed is the page of batches that a call asks for, with the objects of that
// page alone.
func (s *Server) listed(c *call, all []*batch, most int, object func(*record) any) (page, []any, error) {
	ids := make([]string, len(all))
	for i, b := range all {
		ids[i] = b.snapshot().ID
	}
	p, err := pageOf(c.r, ids, 20, most)
	if err != nil {
		return p, nil, err
	}
	objects := make([]any, len(all))
	for i := p.from; i < p.to; i++ {
		r := all[i].snapshot()
		objects[i] = object(&r)
	}
	return p, objects, nil
}

func (s *Server) cancelBatch(c *call) error {
	b, err := s.find(c)
	if err != nil {
		return err
	}
	r, err := s.cancel(b)
	if err != nil {
		return err
	}
	if r.ended() && r.Status != cancelled {
		return conflict("Cannot cancel a batch with status '%s'.", r.Status)
	}
	writeJSON(c.w, http.StatusOK, s.batchObject(&r))
	return nil
}

// connect returns the account of a caller, whose key is tried: that a wrong one
// is told at once, and not after hours.
func (s *Server) connect(c *call) (Account, error) {
	account, err := s.cfg.Connect(c.caller)
	if errors.Is(err, ErrNoKey) {
		return account, &apiError{http.StatusUnauthorized, "invalid_api_key", "", ErrNoKey.Error()}
	}
	if err != nil {
		return account, fmt.Errorf("batchapi: connect: %w", err)
	}
	for _, p := range account.providers() {
		if err := s.try(c, p); err != nil {
			return account, err
		}
	}
	return account, nil
}
