package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
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

func createBatch(s protocol.Session, r *http.Request) (any, error) {
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
	b, err := s.AddBatch(protocol.Batch{
		Identity: protocol.Identity{ID: protocol.NewID("batch_")},
		Endpoint: req.Endpoint, Window: req.CompletionWindow, InputFile: req.InputFileID,
		Metadata: metadata, KeepFor: keep,
		OutputFile: protocol.NewID("file-"), ErrorFile: protocol.NewID("file-"),
	}, window)
	if err != nil {
		return nil, err
	}
	return newBatchObject(b), nil
}

// readCreate reads and checks all but the metadata. It does not look whether
// the input file exists: that is for validation to find out.
func readCreate(body io.Reader) (req createRequest, err error) {
	data, err := io.ReadAll(io.LimitReader(body, 1<<20))
	if err != nil {
		return req, invalid("", "", "The request body cannot be read: %v", err)
	}
	unknown := ""
	scan.Members(data, func(key, _ []byte) {
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
		text, isString := scan.Unquote(value)
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
