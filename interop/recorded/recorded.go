// Package recorded keeps what clients send in a form that can be compared: each
// request as its fields, without what is secret, random, or about the client
// itself.
package recorded

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Request is what a client sent.
type Request struct {
	// Call is the method and the path.
	Call string `json:"call"`
	// Fields are the members of the query, the headers that matter, the parts
	// and the leaves of the body, by their place.
	Fields map[string]string `json:"fields,omitempty"`
}

// headers are those that a provider goes by.
var headers = []string{
	"Anthropic-Beta", "Anthropic-Version", "Authorization", "Content-Type", "X-Api-Key", "X-Goog-Api-Key", "X-Goog-Upload-Command",
	"X-Goog-Upload-Header-Content-Length", "X-Goog-Upload-Header-Content-Type", "X-Goog-Upload-Offset", "X-Goog-Upload-Protocol",
}

// ids are those that the simulator gives, which are random.
var ids = regexp.MustCompile(`\b(?:batch-[a-z2-7]{26}-[a-z2-7]+|[a-z2-7]{26}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?:file-|file_|batch_|msgbatch_)[a-z2-7]{26})\b`)

func general(text string) string { return ids.ReplaceAllString(text, "ID") }

// Of returns what r and its body say. Prefix is the part of the path that is
// the provider's name.
func Of(prefix string, r *http.Request, body []byte) Request {
	q := Request{Call: r.Method + " " + general(strings.TrimPrefix(r.URL.Path, prefix)), Fields: make(map[string]string)}
	for name, values := range r.URL.Query() {
		q.Fields["query "+name] = general(strings.Join(values, ", "))
		if name == "upload_id" { // which is sealed by the simulator
			q.Fields["query "+name] = "ID"
		}
	}
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	for _, name := range headers {
		value := r.Header.Get(name)
		switch {
		case value == "":
			continue
		case name == "Content-Type":
			value = media
		case name == "Authorization":
			scheme, _, _ := strings.Cut(value, " ")
			value = scheme + " KEY"
		case strings.HasSuffix(name, "Api-Key"):
			value = "KEY"
		}
		q.Fields["header "+name] = value
	}
	if len(r.TransferEncoding) > 0 {
		q.Fields["header Transfer-Encoding"] = strings.Join(r.TransferEncoding, ", ")
	}
	if media == "multipart/form-data" {
		q.parts(multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	} else {
		q.content("body", body)
	}
	return q
}

func (q *Request) parts(parts *multipart.Reader) {
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return // the last, or the server has said what is wrong
		}
		place := "part " + part.FormName()
		if name := part.FileName(); name != "" {
			q.Fields[place+" filename"] = name
		}
		body, _ := io.ReadAll(part)
		q.content(place, body)
	}
}

// content sets the leaves of JSON or of its lines, or the text that it is else.
func (q *Request) content(place string, body []byte) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return
	}
	lines := bytes.Split(body, []byte("\n"))
	values := make([]any, len(lines))
	for i, line := range lines {
		if !isContainer(line) || json.Unmarshal(line, &values[i]) != nil {
			q.Fields[place] = general(string(body))
			return
		}
	}
	if len(values) == 1 && !strings.HasPrefix(place, "part") {
		q.leaves(place, values[0])
		return
	}
	q.leaves(place, values)
}

func isContainer(text []byte) bool { return len(text) > 0 && (text[0] == '{' || text[0] == '[') }

func (q *Request) leaves(place string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			q.leaves(place+"/"+name, inner)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, inner := range v {
			q.leaves(place+"/"+strconv.Itoa(i), inner)
		}
		if len(v) > 0 {
			return
		}
	}
	text, _ := json.Marshal(v)
	q.Fields[place] = general(string(text))
}

// Recorder remembers the requests that were served, each once.
type Recorder struct {
	prefix string

	mu       sync.Mutex
	requests map[string]Request
}

// New returns a Recorder of what comes to the provider of that name.
func New(provider string) *Recorder {
	return &Recorder{prefix: "/" + provider, requests: make(map[string]Request)}
}

// Before returns a handler that passes requests on to another, and records
// those to the provider.
func (r *Recorder) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasPrefix(req.URL.Path, r.prefix+"/") {
			next.ServeHTTP(w, req)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		q := Of(r.prefix, req, body)
		status := &status{ResponseWriter: w}
		next.ServeHTTP(status, req)
		if status.code < http.StatusBadRequest { // what a client sends to see an error is its own affair
			r.add(q)
		}
	})
}

func (r *Recorder) add(q Request) {
	key, _ := json.Marshal(q) //nolint:errchkjson // texts cannot fail
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests[string(key)] = q
}

// status remembers the status of a reply.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Requests returns what was recorded, in an order that does not depend on time.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := make([]Request, 0, len(r.requests))
	for _, key := range slices.Sorted(maps.Keys(r.requests)) {
		requests = append(requests, r.requests[key])
	}
	return requests
}

// Write writes requests to a file, one a line.
func Write(name string, requests []Request) error {
	return os.WriteFile(name, encode(requests), 0o644) //nolint:gosec // a file of the project
}

func encode(requests []Request) []byte {
	var b bytes.Buffer
	for _, q := range requests {
		text, _ := json.Marshal(q) //nolint:errchkjson // texts cannot fail
		b.Write(append(text, '\n'))
	}
	return b.Bytes()
}

// Read returns the requests in a file that Write wrote.
func Read(name string) ([]Request, error) {
	content, err := os.ReadFile(name) //nolint:gosec // a file of the project
	if err != nil {
		return nil, err
	}
	var requests []Request
	for d := json.NewDecoder(bytes.NewReader(content)); d.More(); {
		var q Request
		if err := d.Decode(&q); err != nil {
			return nil, err
		}
		requests = append(requests, q)
	}
	return requests, nil
}

// Difference is a field in which two requests differ. An empty text means that
// it is not there.
type Difference struct{ Field, Official, Ours string }

// Closest returns the official request for the same call that differs least
// from ours, and how. It returns false if there is none.
func Closest(ours Request, official []Request) (differences []Difference, found bool) {
	for _, q := range official {
		if q.Call != ours.Call {
			continue
		}
		if d := compare(ours, q); !found || len(d) < len(differences) {
			differences, found = d, true
		}
	}
	return differences, found
}

func compare(ours, official Request) (differences []Difference) {
	for field, value := range ours.Fields {
		if official.Fields[field] != value {
			differences = append(differences, Difference{field, official.Fields[field], value})
		}
	}
	for field, value := range official.Fields {
		if _, sent := ours.Fields[field]; !sent {
			differences = append(differences, Difference{field, value, ""})
		}
	}
	slices.SortFunc(differences, func(a, b Difference) int { return cmp.Compare(a.Field, b.Field) })
	return differences
}
