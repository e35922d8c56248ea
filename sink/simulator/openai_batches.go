package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// window is the only completion window there is.
const window = 24 * time.Hour

var endpoints = []string{
	"/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/moderations",
	"/v1/images/generations", "/v1/images/edits", "/v1/videos",
}

// createRequest is the body of a batch creation.
type createRequest struct {
	InputFileID        string                     `json:"input_file_id"`
	Endpoint           string                     `json:"endpoint"`
	CompletionWindow   string                     `json:"completion_window"`
	Metadata           map[string]json.RawMessage `json:"metadata"`
	OutputExpiresAfter *struct {
		Anchor  string `json:"anchor"`
		Seconds int64  `json:"seconds"`
	} `json:"output_expires_after"`
}

var createFields = []string{"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}

func (s *Simulator) createBatch(r *http.Request, owner string) (any, error) {
	req, err := readCreate(r.Body)
	if err != nil {
		return nil, err
	}
	metadata, err := checkMetadata(req.Metadata)
	if err != nil {
		return nil, err
	}
	var keep time.Duration
	if e := req.OutputExpiresAfter; e != nil {
		if keep, err = expiry("output_expires_after", e.Anchor, e.Seconds); err != nil {
			return nil, err
		}
	}
	now := s.clock.now()
	b, err := s.batches.add(func(seq int) batch {
		return batch{
			identity: identity{ID: newID("batch_"), Owner: owner, Seq: seq, Created: now},
			Endpoint: req.Endpoint, Window: req.CompletionWindow, InputFile: req.InputFileID,
			Metadata: metadata, KeepFor: keep, Status: validating, ExpiresAt: now.Add(window),
			OutputFile: newID("file-"), ErrorFile: newID("file-"),
		}
	})
	if err != nil {
		return nil, err
	}
	s.start(b.ID)
	return b.object(), nil
}

// readCreate reads and checks all but the metadata. It does not look whether
// the input file exists: that is for validation to find out.
func readCreate(body io.Reader) (req createRequest, err error) {
	data, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		return req, invalid("", "", "The request body cannot be read: %v", err)
	}
	unknown := ""
	members(data, func(key, _ []byte) {
		if !slices.Contains(createFields, string(key)) {
			unknown = string(key)
		}
	})
	if unknown != "" {
		return req, invalid("unknown_parameter", unknown, "Unknown parameter: '%s'.", unknown)
	}
	if err := json.Unmarshal(data, &req); err != nil {
		return req, invalid("", "", "We could not parse the JSON body of your request: %v", err)
	}
	for _, required := range []struct{ name, value string }{
		{"input_file_id", req.InputFileID}, {"endpoint", req.Endpoint}, {"completion_window", req.CompletionWindow},
	} {
		if required.value == "" {
			return req, invalid("missing_required_parameter", required.name, "Missing required parameter: '%s'.", required.name)
		}
	}
	if !slices.Contains(endpoints, req.Endpoint) {
		return req, invalid("invalid_value", "endpoint", "Invalid value: '%s'. Supported values are: %q.", req.Endpoint, endpoints)
	}
	if req.CompletionWindow != "24h" {
		return req, invalid("invalid_value", "completion_window",
			"Invalid value for 'completion_window': '%s'. Supported values are: '24h'.", req.CompletionWindow)
	}
	return req, nil
}

// checkMetadata holds the metadata to its limits: 16 pairs, keys of 64
// characters and values of 512.
func checkMetadata(raw map[string]json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if len(raw) > 16 {
		return nil, invalid("object_above_max_properties", "metadata", "Invalid 'metadata': too many properties. Expected at most 16.")
	}
	metadata := make(map[string]string, len(raw))
	for key, value := range raw {
		text, isString := unquote(value)
		switch {
		case !isString:
			return nil, invalid("invalid_type", "metadata."+key, "Invalid type for 'metadata.%s': expected a string.", key)
		case utf8.RuneCountInString(key) > 64:
			return nil, invalid("string_above_max_length", "metadata", "Invalid 'metadata': a key is longer than 64 characters.")
		case utf8.RuneCountInString(text) > 512:
			return nil, invalid("string_above_max_length", "metadata."+key,
				"Invalid 'metadata.%s': string too long. Expected at most 512 characters.", key)
		}
		metadata[key] = text
	}
	return metadata, nil
}

// batch returns the owner's batch that the request's path names.
func (s *Simulator) batch(r *http.Request, owner string) (batch, error) {
	id := r.PathValue("id")
	b, found := s.batches.get(id)
	now := s.asOf(r)
	if !found || b.Owner != owner || b.Created.After(now) {
		return b, &apiError{
			status: http.StatusNotFound, Type: "invalid_request_error",
			Message: fmt.Sprintf("No batch found with id '%s'.", id),
		}
	}
	return b.asOf(now), nil
}

func (s *Simulator) getBatch(r *http.Request, owner string) (any, error) {
	b, err := s.batch(r, owner)
	return b.object(), err
}

func (s *Simulator) listBatches(r *http.Request, owner string) (any, error) {
	now := s.asOf(r)
	var batches []batch
	for b := range s.batches.newestFirst() {
		if b.Owner == owner && !b.Created.After(now) {
			batches = append(batches, b.asOf(now))
		}
	}
	return listPage(r, batches, 20, 100, func(b batch) any { return b.object() })
}

// cancelBatch stops a batch that has not ended. Cancelling it again is fine.
func (s *Simulator) cancelBatch(r *http.Request, owner string) (any, error) {
	b, err := s.batch(r, owner)
	if err != nil {
		return nil, err
	}
	b, err = s.batches.update(b.ID, func(b *batch) bool {
		if b.ended() || b.Status == cancelling {
			return false
		}
		b.Status, b.CancellingAt = cancelling, s.clock.now()
		return true
	})
	if err != nil {
		return nil, err
	}
	s.notify()
	if b.ended() && b.Status != cancelled {
		return nil, &apiError{
			status: http.StatusConflict, Type: "invalid_request_error",
			Message: fmt.Sprintf("Cannot cancel a batch with status '%s'.", b.Status),
		}
	}
	return b.object(), nil
}
