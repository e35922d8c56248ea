package openai

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/chatform"
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// Validate checks the input file of b. All bad lines are reported together.
func (Protocol) Validate(s protocol.Session, b protocol.Batch) (protocol.Verdict, error) {
	v := &validation{rules: s.Rules(), endpoint: b.Endpoint}
	err := v.input(s, b.InputFile)
	return protocol.Verdict{Rows: v.rows, Model: v.model, Tokens: v.tokens, Errors: v.errors}, err
}

// Full says that no more tokens or rows can be enqueued.
func (Protocol) Full(r *protocol.RefusalError) protocol.LineError {
	if r.Cause != protocol.EnqueuedTokens {
		return protocol.LineError{Code: "request_limit_exceeded", Message: fmt.Sprintf(
			"Enqueued request limit reached. Limit: %d enqueued requests.", r.Limit)}
	}
	return protocol.LineError{Code: "token_limit_exceeded", Message: fmt.Sprintf(
		"Enqueued token limit reached for %s in organization org-simulator. Limit: %d enqueued tokens. "+
			"Please try again once some in_progress batches have been completed.", r.Model, r.Limit)}
}

// A validation collects what is wrong with an input file.
type validation struct {
	rules    protocol.Rules
	endpoint string

	rows   int
	inputs int // of embeddings
	model  string
	tokens int64
	seen   map[string]struct{} // custom ids
	errors []protocol.LineError
}

// report adds an error. An empty param and line 0 stand for null.
func (v *validation) report(code, param string, line int, message string) {
	e := protocol.LineError{Code: code, Message: message, Param: optional(param)}
	if line > 0 {
		e.Line = &line
	}
	v.errors = append(v.errors, e)
}

// input checks the file with the given id, if there is one.
func (v *validation) input(s protocol.Session, id string) error {
	f, found := s.File(id)
	if !found || f.Purpose != "batch" {
		v.report("invalid_request", "file_id", 0,
			fmt.Sprintf("Cannot find file %s, or your organization does not have access to it.", id))
		return nil
	}
	if f.Bytes > v.rules.BatchBytes {
		v.report("file_too_large", "", 0,
			fmt.Sprintf("The input file is larger than %d bytes.", v.rules.BatchBytes))
		return nil
	}
	in, err := s.Open(f)
	if errors.Is(err, fs.ErrNotExist) { // deleted before validation began
		v.report("invalid_request", "file_id", 0, fmt.Sprintf("Cannot find file %s.", id))
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return v.file(in)
}

// file checks all lines of an input file.
func (v *validation) file(in io.Reader) error {
	v.seen = make(map[string]struct{})
	for line, err := range scan.Lines(in) {
		if err != nil {
			return err
		}
		if len(line.Text) == 0 {
			continue
		}
		if v.rows++; v.rows > v.rules.Rows {
			v.errors = nil
			v.report("request_limit_exceeded", "", 0,
				fmt.Sprintf("The input file holds more than %d requests.", v.rules.Rows))
			return nil
		}
		v.line(line.Number, line.Text)
	}
	if v.rows == 0 {
		v.report("empty_file", "", 0, "The input file holds no requests.")
	}
	if v.endpoint == "/v1/embeddings" && v.inputs > v.rules.EmbeddingInputs {
		v.report("embedding_input_limit_exceeded", "", 0,
			fmt.Sprintf("The input file holds more than %d embedding inputs.", v.rules.EmbeddingInputs))
	}
	return nil
}

func (v *validation) line(n int, text []byte) {
	r, valid := parseRow(text)
	if !valid {
		v.report("invalid_json_line", "", n, "This line is not parseable as valid JSON.")
		return
	}
	missing := false
	for _, required := range []struct {
		name  string
		value []byte
	}{{"custom_id", r.customID}, {"method", r.method}, {"url", r.url}, {"body", r.body}} {
		if required.value == nil || string(required.value) == "null" || string(required.value) == `""` {
			v.report("missing_required_parameter", required.name, n, "Missing required parameter: '"+required.name+"'.")
			missing = true
		}
	}
	if missing {
		return
	}
	v.envelope(n, r)
	v.body(n, r.body)
}

func (v *validation) envelope(n int, r row) {
	id, isString := scan.Unquote(r.customID)
	if !isString {
		v.report("invalid_request", "custom_id", n, "custom_id must be a string.")
	} else if _, twice := v.seen[id]; twice {
		v.report("duplicate_custom_id", "custom_id", n, "The custom_id '"+id+"' is used more than once.")
	} else {
		v.seen[id] = struct{}{}
	}
	if method, _ := scan.Unquote(r.method); method != "POST" {
		v.report("invalid_request", "method", n, "The method must be POST.")
	}
	if url, _ := scan.Unquote(r.url); url != v.endpoint {
		v.report("invalid_url", "url", n, "The URL provided for this request does not match the batch endpoint.")
	}
}

func (v *validation) body(n int, body []byte) {
	p, isObject := parseParams(body)
	if !isObject {
		v.report("invalid_request", "body", n, "The body must be a JSON object.")
		return
	}
	v.tokens += protocol.EstimateTokens(len(body))
	v.inputs += v.countInputs(p)
	v.checkModel(n, p)
	if string(p.stream) == "true" {
		v.report("streaming_unsupported", "body.stream", n, "Streaming is not supported in the Batch API.")
	}
	switch {
	case v.endpoint == "/v1/chat/completions" && p.messages == nil:
		v.report("invalid_request", "body.messages", n, "Messages parameter is required.")
	case v.endpoint == "/v1/embeddings" && p.input == nil, v.endpoint == "/v1/moderations" && p.input == nil:
		v.report("invalid_request", "body.input", n, "Input parameter is required.")
	case v.endpoint == "/v1/completions" && p.prompt == nil:
		v.report("invalid_request", "body.prompt", n, "Prompt parameter is required.")
	}
}

func (v *validation) countInputs(p params) int {
	if v.endpoint != "/v1/embeddings" || p.input == nil {
		return 0
	}
	return len(chatform.Inputs(p.input))
}

func (v *validation) checkModel(n int, p params) {
	model, _ := scan.Unquote(p.model)
	if p.model == nil && v.endpoint == "/v1/moderations" {
		model = defaultModerator
	}
	switch {
	case model == "":
		v.report("invalid_request", "body.model", n, "Model parameter is required.")
	case len(v.rules.Models) > 0 && !slices.Contains(v.rules.Models, model):
		v.report("model_not_found", "body.model", n, "The provided model '"+model+"' is not supported by the Batch API.")
	case v.model == "":
		v.model = model
	case v.model != model:
		v.report("mismatched_model", "body.model", n, "All requests of a batch must use the same model, here '"+v.model+"'.")
	}
}
