package simulator

import (
	"fmt"
	"io"
	"slices"
)

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
