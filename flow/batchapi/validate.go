package batchapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/linereader"
)

// mostErrors bounds the list of what is wrong with a file.
const mostErrors = 1000

// add notes what is wrong with a line, or with the file if that is 0.
func (f *findings) add(code, param string, line int, message string) {
	if len(f.errors) >= mostErrors {
		return
	}
	e := lineError{Code: code, Message: message, Param: optional(param)}
	if line > 0 {
		e.Line = &line
	}
	f.errors = append(f.errors, e)
}

// checkLines looks at the lines of an OpenAI batch as OpenAI does. What its
// requests ask is for the run to check.
func (s *Server) checkLines(r *record, f *findings) error {
	input, ok := s.file(r.Input, r.Owner)
	if !ok || input.Purpose != purposeBatch {
		f.add("invalid_request", "file_id", 0, "Cannot find file "+r.Input+", or your organization does not have access to it.")
		return nil
	}
	in, err := s.root.Open(content(input.ID))
	if errors.Is(err, os.ErrNotExist) { // it was deleted meanwhile
		f.add("invalid_request", "file_id", 0, "Cannot find file "+r.Input+".")
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if err := f.lines(in, r.Endpoint); err != nil {
		return fmt.Errorf("batchapi: read %s: %w", input.ID, err)
	}
	if f.rows == 0 {
		f.add("empty_file", "", 0, "The input file holds no requests.")
	}
	return nil
}

// nameRejects finds the ids of requests that cannot be used: a run keeps no
// large ones of these.
func (s *Server) nameRejects(r *record, f *findings) error {
	wanted := make(map[int]*reject)
	for i := range f.rejects {
		wanted[f.rejects[i].line] = &f.rejects[i]
	}
	if len(wanted) == 0 {
		return nil
	}
	in, err := s.root.Open(content(r.Input))
	if err != nil {
		return err
	}
	defer in.Close()
	lines := linereader.New(in, 64<<10, source.MaxRow)
	for n := 1; ; n++ {
		line, err := lines.Next()
		if reject := wanted[n]; reject != nil {
			var named row
			_ = json.Unmarshal(line, &named) // it was written here
			reject.CustomID = named.CustomID
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("batchapi: read %s: %w", r.Input, err)
		}
	}
}

// lines checks all lines of a file. After one that is too long it reads no
// further.
func (f *findings) lines(in io.Reader, endpoint string) error {
	lines := linereader.New(in, 64<<10, source.MaxRow)
	seen := make(map[string]struct{})
	for n := 1; ; n++ {
		line, err := lines.Next()
		_, isTooLong := errors.AsType[*linereader.TooLongError](err)
		switch {
		case isTooLong:
			f.rows++
			f.add("invalid_json_line", "", n, err.Error())
			return nil
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if len(bytes.TrimSpace(line)) > 0 {
			f.rows++
			f.line(n, line, endpoint, seen)
		}
		if err != nil {
			return nil //nolint:nilerr // the end of the file
		}
	}
}

// maxKey is how long a custom_id may be, in bytes.
const maxKey = 256

func (f *findings) line(n int, text []byte, endpoint string, seen map[string]struct{}) {
	var line map[string]json.RawMessage
	if json.Unmarshal(text, &line) != nil {
		f.add("invalid_json_line", "", n, "This line is not parseable as valid JSON.")
		return
	}
	isWhole := true
	for _, name := range []string{"custom_id", "method", "url", "body"} {
		switch string(line[name]) {
		case "", "null", `""`:
			isWhole = false
			f.add("missing_required_parameter", name, n, "Missing required parameter: '"+name+"'.")
		}
	}
	if !isWhole {
		return
	}
	var id string
	isText := json.Unmarshal(line["custom_id"], &id) == nil
	_, twice := seen[id]
	switch {
	case !isText || len(id) > maxKey:
		f.add("invalid_request", "custom_id", n, "custom_id must be a string of at most 256 bytes.")
	case twice:
		f.add("duplicate_custom_id", "custom_id", n, "The custom_id '"+id+"' is used more than once.")
	}
	seen[id] = struct{}{}
	if textOf(line["method"]) != "POST" {
		f.add("invalid_request", "method", n, "The method must be POST.")
	}
	if textOf(line["url"]) != endpoint {
		f.add("invalid_url", "url", n, "The URL provided for this request does not match the batch endpoint.")
	}
	f.body(n, line["body"], endpoint)
}

func (f *findings) body(n int, text json.RawMessage, endpoint string) {
	var body map[string]json.RawMessage
	if json.Unmarshal(text, &body) != nil {
		f.add("invalid_request", "body", n, "The body must be a JSON object.")
		return
	}
	if textOf(body["model"]) == "" && endpoint != "/v1/moderations" {
		f.add("invalid_request", "body.model", n, "Model parameter is required.")
	}
	if strings.TrimSpace(string(body["stream"])) == "true" {
		f.add("streaming_unsupported", "body.stream", n, "Streaming is not supported in the Batch API.")
	}
	if endpoint == openaiEndpoints[0] && len(body["messages"]) == 0 {
		f.add("invalid_request", "body.messages", n, "Messages parameter is required.")
	}
}

// textOf is a text in JSON, "" if it is none.
func textOf(v json.RawMessage) (text string) {
	_ = json.Unmarshal(v, &text) // or it is no text
	return text
}
