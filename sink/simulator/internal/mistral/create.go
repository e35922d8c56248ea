package mistral

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

var endpoints = []string{
	"/v1/chat/completions", "/v1/embeddings", "/v1/fim/completions", "/v1/moderations", "/v1/chat/moderations", "/v1/ocr",
	"/v1/classifications", "/v1/conversations", "/v1/audio/transcriptions",
}

// maxHours is the longest time that a job may take.
const maxHours = 168

// createRequest is the body of a creation, without the rows in it.
type createRequest struct {
	InputFiles []string         `json:"input_files"`
	Requests   *json.RawMessage `json:"requests"` // an empty list, or null
	Endpoint   string           `json:"endpoint"`
	Model      *string          `json:"model"`
	Agent      *string          `json:"agent_id"`
	Metadata   map[string]any   `json:"metadata"`
	Hours      *float64         `json:"timeout_hours"`
}

var createFields = []string{"input_files", "requests", "endpoint", "model", "agent_id", "metadata", "timeout_hours"}

func createJob(s protocol.Session, r *http.Request) (any, error) {
	in := input{session: s, id: uuid(), body: r.Body}
	b, err := in.read()
	if err == nil {
		b, err = s.AddBatch(b, in.lifetime)
	}
	if err != nil {
		s.Discard(in.id)
		return nil, err
	}
	return newJobObject(b), nil
}

// input is a creation that is read.
type input struct {
	session protocol.Session
	id      string // of the hidden file of the rows that are in it
	body    io.Reader

	rows     int // that are in it
	bytes    int64
	refusal  error // of a row
	lifetime time.Duration
}

func (in *input) read() (protocol.Batch, error) {
	rest, err := in.receive()
	if err != nil {
		return protocol.Batch{}, err
	}
	var req createRequest
	if err := req.parse(rest); err != nil {
		return protocol.Batch{}, err
	}
	metadata, err := checkMetadata(req.Metadata)
	if err != nil {
		return protocol.Batch{}, err
	}
	if err := req.checkModel(in.session.Rules()); err != nil {
		return protocol.Batch{}, err
	}
	hours := 24.0
	if req.Hours != nil {
		hours = *req.Hours
	}
	in.lifetime = time.Duration(hours) * time.Hour
	data := jobData{Inline: in.rows > 0}
	if req.Model != nil {
		data.Model = *req.Model
	}
	if req.Agent != nil {
		data.Agent = *req.Agent
	}
	encoded, _ := json.Marshal(data) //nolint:errchkjson // it has nothing that fails
	b := protocol.Batch{
		Identity: protocol.Identity{ID: uuid()}, Endpoint: req.Endpoint, Window: fmt.Sprintf("%gh", hours),
		Metadata: metadata, Data: encoded, OutputFile: uuid(),
	}
	return in.attach(b, &req)
}

// attach gives the batch its rows: those in the creation, or a file.
func (in *input) attach(b protocol.Batch, req *createRequest) (protocol.Batch, error) {
	switch {
	case in.rows > 0 && len(req.InputFiles) > 0:
		return b, wrong("value_error", "Value error, only one of input_files and requests may be provided", nil, "body")
	case in.rows > 0:
		f, err := in.session.AddFile(protocol.File{
			Identity: protocol.Identity{ID: in.id}, Purpose: "batch", Bytes: in.bytes, Hidden: true,
		})
		b.InputFile, b.Declared = f.ID, in.rows
		return b, err
	case len(req.InputFiles) == 0:
		return b, wrong("value_error", "Value error, either input_files or requests must be provided", nil, "body")
	case len(req.InputFiles) > 1:
		return b, wrong("too_long", "The simulator takes one file of a job", req.InputFiles, "body", "input_files")
	}
	b.InputFile, b.ErrorFile = req.InputFiles[0], uuid()
	f, found := in.session.File(b.InputFile)
	switch {
	case !isUUID(b.InputFile):
		return b, wrong("uuid_parsing", "Input should be a valid UUID", b.InputFile, "body", "input_files", 0)
	case !found || f.Hidden:
		return b, notFound("File %s not found", b.InputFile)
	case f.Purpose != "batch" || dataOf(f).Sample != sampleRequest:
		return b, wrong("value_error", "Value error, the file is not for batches", b.InputFile, "body", "input_files", 0)
	}
	if lines := dataOf(f).Lines; lines != nil {
		b.Declared = *lines
	}
	if most := in.session.Rules().Rows; b.Declared > most {
		return b, wrong("too_long", fmt.Sprintf("The file should have at most %d requests, not %d", most, b.Declared), b.InputFile, "body", "input_files", 0)
	}
	return b, nil
}

var (
	errStopped = errors.New("no more rows are wanted")
	errLarge   = errors.New("the body is too large")
)

// receive stores the rows that are in the creation, as they come, and returns
// the rest of it.
func (in *input) receive() (rest []byte, err error) {
	most := in.session.Rules().BatchBytes + 1<<20
	limited := &io.LimitedReader{R: in.body, N: most}
	in.bytes, err = in.session.ReceiveLines(in.id, func(yield func([]byte, error) bool) {
		var failed error
		rest, failed = scan.Extract(limited, func(row []byte) error {
			if in.rows++; in.refusal == nil {
				in.refusal = in.checkRow(row)
			}
			if in.refusal != nil {
				return in.refusal
			}
			if !yield(row, nil) {
				return errStopped
			}
			return nil
		}, "requests")
		if limited.N == 0 {
			failed = errLarge
		}
		if failed != nil && !errors.Is(failed, errStopped) {
			yield(nil, failed)
		}
	})
	switch {
	case err == nil:
		return rest, nil
	case in.refusal != nil:
		return nil, in.refusal
	case errors.Is(err, errLarge):
		return nil, failure(http.StatusRequestEntityTooLarge, "", "invalid_request_error", "The request is larger than %d bytes", most)
	}
	return nil, wrong("json_invalid", "JSON decode error: "+err.Error(), nil, "body")
}

// checkRow returns what is wrong with a row of the creation.
func (in *input) checkRow(row []byte) error {
	if most := in.session.Rules().InlineRows; in.rows > most {
		return wrong("too_long", fmt.Sprintf("List should have at most %d items after validation", most), nil, "body", "requests")
	}
	at := func(name string) []any { return []any{"body", "requests", in.rows - 1, name} }
	r, valid := parseRow(row)
	switch {
	case !valid:
		return wrong("model_type", "Input should be a valid dictionary", nil, at("")[:3]...)
	case r.extra != "":
		return wrong("extra_forbidden", "Extra inputs are not permitted", nil, at(r.extra)...)
	case r.body == nil:
		return wrong("missing", "Field required", nil, at("body")...)
	case !bytes.HasPrefix(r.body, []byte("{")):
		return wrong("dict_type", "Input should be a valid dictionary", nil, at("body")...)
	case r.customID != nil && !bytes.HasPrefix(r.customID, []byte(`"`)):
		return wrong("string_type", "Input should be a valid string", nil, at("custom_id")...)
	}
	return nil
}

// parse reads and checks what the creation says beside the rows.
func (req *createRequest) parse(rest []byte) error {
	unknown := ""
	scan.Members(rest, func(key, _ []byte) {
		if !slices.Contains(createFields, string(key)) {
			unknown = string(key)
		}
	})
	if unknown != "" {
		return wrong("extra_forbidden", "Extra inputs are not permitted", nil, "body", unknown)
	}
	if err := json.Unmarshal(rest, req); err != nil {
		if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return wrong("type_error", "Input should be a valid "+typed.Type.String(), nil, "body", typed.Field)
		}
		return wrong("json_invalid", "JSON decode error", nil, "body")
	}
	switch {
	case req.Endpoint == "":
		return wrong("missing", "Field required", nil, "body", "endpoint")
	case !slices.Contains(endpoints, req.Endpoint):
		return wrong("enum", fmt.Sprintf("Input should be one of %q", endpoints), req.Endpoint, "body", "endpoint")
	}
	return req.checkHours()
}

func (req *createRequest) checkHours() error {
	if req.Hours == nil {
		return nil
	}
	switch hours := *req.Hours; {
	case hours != float64(int(hours)):
		return wrong("int_from_float", "Input should be a valid integer, got a number with a fractional part", hours, "body", "timeout_hours")
	case hours < 1:
		return wrong("greater_than_equal", "Input should be greater than or equal to 1", hours, "body", "timeout_hours")
	case hours > maxHours:
		return wrong("less_than_equal", fmt.Sprintf("Input should be less than or equal to %d", maxHours), hours, "body", "timeout_hours")
	}
	return nil
}

func (req *createRequest) checkModel(rules protocol.Rules) error {
	switch hasModel, hasAgent := req.Model != nil && *req.Model != "", req.Agent != nil && *req.Agent != ""; {
	case hasModel == hasAgent:
		return wrong("value_error", "Value error, exactly one of model and agent_id must be provided", nil, "body")
	case hasModel && len(rules.Models) > 0 && !slices.Contains(rules.Models, *req.Model):
		return failure(http.StatusBadRequest, "1500", "invalid_model", "Invalid model: %s", *req.Model)
	}
	return nil
}

// checkMetadata holds the metadata to its limits: keys of 1 to 32 characters
// and values of 1 to 512.
func checkMetadata(raw map[string]any) (map[string]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	metadata := make(map[string]string, len(raw))
	for key, value := range raw {
		text, isText := value.(string)
		switch n := utf8.RuneCountInString(text); {
		case key == "" || utf8.RuneCountInString(key) > 32:
			return nil, wrong("string_too_long", "String should have 1 to 32 characters", key, "body", "metadata", key, "[key]")
		case !isText:
			return nil, wrong("string_type", "Input should be a valid string", value, "body", "metadata", key)
		case n == 0:
			return nil, wrong("string_too_short", "String should have at least 1 character", value, "body", "metadata", key)
		case n > 512:
			return nil, wrong("string_too_long", "String should have at most 512 characters", value, "body", "metadata", key)
		}
		metadata[key] = text
	}
	return metadata, nil
}
