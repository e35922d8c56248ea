package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// validate checks the input file of b and moves b to in_progress, or to failed
// with an error for every bad line.
func (s *Simulator) validate(ctx context.Context, b batch) error {
	v := &validation{cfg: s.cfg, endpoint: b.Endpoint}
	if err := s.work(ctx, func() error { return s.check(b, v) }); err != nil {
		return fmt.Errorf("simulator: validate %s: %w", b.ID, err)
	}
	return s.admit(b, v)
}

// check runs v over the input file.
func (s *Simulator) check(b batch, v *validation) error {
	f, found := s.files.get(b.InputFile)
	if !found || f.Owner != b.Owner || f.gone(b.Created) || f.Purpose != "batch" {
		v.report("invalid_request", "file_id", 0,
			fmt.Sprintf("Cannot find file %s, or your organization does not have access to it.", b.InputFile))
		return nil
	}
	if f.Bytes > s.cfg.Limits.BatchBytes {
		v.report("file_too_large", "", 0,
			fmt.Sprintf("The input file is larger than %d bytes.", s.cfg.Limits.BatchBytes))
		return nil
	}
	in, err := os.Open(s.contentPath(b.InputFile))
	if errors.Is(err, fs.ErrNotExist) { // deleted before validation began
		v.report("invalid_request", "file_id", 0, fmt.Sprintf("Cannot find file %s.", b.InputFile))
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return v.file(in)
}

// admit writes the verdict. The tokens of a batch count against the limit from
// here until it ends.
func (s *Simulator) admit(seen batch, v *validation) error {
	s.admission.Lock()
	defer s.admission.Unlock()
	if limit := s.cfg.Limits.EnqueuedTokens; limit > 0 && len(v.errors) == 0 {
		if held := s.enqueued(seen.Owner, v.model); held+v.tokens > limit {
			v.report("token_limit_exceeded", "", 0, fmt.Sprintf(
				"Enqueued token limit reached for %s in organization org-simulator. Limit: %d enqueued tokens. "+
					"Please try again once some in_progress batches have been completed.", v.model, limit))
		}
	}
	_, err := s.batches.update(seen.ID, func(b *batch) bool {
		if b.Status != validating { // cancelled meanwhile
			return false
		}
		now := s.clock.now()
		if len(v.errors) > 0 {
			b.Status, b.EndedAt, b.Errors = failed, now, v.errors
			return true
		}
		b.Status, b.InProgressAt = inProgress, now
		b.Model, b.Tokens, b.Counts.Total = v.model, v.tokens, v.rows
		return true
	})
	return err
}

// enqueued returns how many input tokens the owner's running batches of a model
// hold.
func (s *Simulator) enqueued(owner, model string) (tokens int64) {
	for b := range s.batches.newestFirst() {
		if b.Owner == owner && b.Model == model && !b.ended() {
			tokens += b.Tokens
		}
	}
	return tokens
}

// A validation collects what is wrong with an input file.
type validation struct {
	cfg      Config
	endpoint string

	rows   int
	inputs int // of embeddings
	model  string
	tokens int64
	seen   map[string]struct{} // custom ids
	errors []lineError
}

// report adds an error. An empty param and line 0 stand for null.
func (v *validation) report(code, param string, line int, message string) {
	e := lineError{Code: code, Message: message, Param: optional(param)}
	if line > 0 {
		e.Line = &line
	}
	v.errors = append(v.errors, e)
}

// file checks all lines of an input file.
func (v *validation) file(in io.Reader) error {
	v.seen = make(map[string]struct{})
	for line, err := range lines(in) {
		if err != nil {
			return err
		}
		if len(line.text) == 0 {
			continue
		}
		if v.rows++; v.rows > v.cfg.Limits.Rows {
			v.errors = nil
			v.report("request_limit_exceeded", "", 0,
				fmt.Sprintf("The input file holds more than %d requests.", v.cfg.Limits.Rows))
			return nil
		}
		v.line(line.number, line.text)
	}
	if v.rows == 0 {
		v.report("empty_file", "", 0, "The input file holds no requests.")
	}
	if v.endpoint == "/v1/embeddings" && v.inputs > v.cfg.Limits.EmbeddingInputs {
		v.report("embedding_input_limit_exceeded", "", 0,
			fmt.Sprintf("The input file holds more than %d embedding inputs.", v.cfg.Limits.EmbeddingInputs))
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
	id, isString := unquote(r.customID)
	if !isString {
		v.report("invalid_request", "custom_id", n, "custom_id must be a string.")
	} else if _, twice := v.seen[id]; twice {
		v.report("duplicate_custom_id", "custom_id", n, "The custom_id '"+id+"' is used more than once.")
	} else {
		v.seen[id] = struct{}{}
	}
	if method, _ := unquote(r.method); method != "POST" {
		v.report("invalid_request", "method", n, "The method must be POST.")
	}
	if url, _ := unquote(r.url); url != v.endpoint {
		v.report("invalid_url", "url", n, "The URL provided for this request does not match the batch endpoint.")
	}
}

func (v *validation) body(n int, body []byte) {
	p, isObject := parseParams(body)
	if !isObject {
		v.report("invalid_request", "body", n, "The body must be a JSON object.")
		return
	}
	v.tokens += estimateTokens(len(body))
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
	}
}

func (v *validation) countInputs(p params) int {
	if v.endpoint != "/v1/embeddings" || p.input == nil {
		return 0
	}
	return len(embeddingInputs(p.input))
}

func (v *validation) checkModel(n int, p params) {
	model, _ := unquote(p.model)
	switch {
	case model == "":
		v.report("invalid_request", "body.model", n, "Model parameter is required.")
	case len(v.cfg.Models) > 0 && !slices.Contains(v.cfg.Models, model):
		v.report("model_not_found", "body.model", n, "The provided model '"+model+"' is not supported by the Batch API.")
	case v.model == "":
		v.model = model
	case v.model != model:
		v.report("mismatched_model", "body.model", n, "All requests of a batch must use the same model, here '"+v.model+"'.")
	}
}
