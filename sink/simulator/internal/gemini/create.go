package gemini

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// The endpoints that rows call, in the words of Batch.Endpoint.
const (
	contentEndpoint = "/v1beta/models/{model}:generateContent"
	embedEndpoint   = "/v1beta/models/{model}:embedContent"
)

// about is what a record keeps of a batch beside the usual.
type about struct {
	Model string `json:"model"`
}

func aboutOf(b protocol.Batch) (a about) {
	_ = json.Unmarshal(b.Data, &a) // or it is empty
	return a
}

// resultFileID is the id of the result file of a batch: too long for most
// requests, as those of the API are.
func resultFileID(batch string) string {
	return resultPrefix + batch + "-" + protocol.NewID("")[:idSize-6]
}

const resultPrefix = "batch-"

// idSize is how long the id of a batch is.
var idSize = len(protocol.NewID(""))

// batchOf returns the batch whose results a file holds, "" if it holds none.
func batchOf(file string) string {
	if len(file) <= maxID || file[:len(resultPrefix)] != resultPrefix {
		return ""
	}
	return file[len(resultPrefix):][:idSize]
}

func createBatch(endpoint string) handler {
	return func(s protocol.Session, r *http.Request) (any, error) {
		model := r.PathValue("model")
		if models := s.Rules().Models; len(models) > 0 && !slices.Contains(models, model) {
			return nil, noModel(model, "batchGenerateContent")
		}
		data, err := json.Marshal(about{Model: model})
		if err != nil {
			return nil, err
		}
		b := protocol.Batch{
			Identity: protocol.Identity{ID: protocol.NewID("")}, Endpoint: endpoint, Window: "24h", Model: model, Data: data,
		}
		b.OutputFile = resultFileID(b.ID)
		c := creation{session: s, inline: protocol.NewID("inline-")}
		if err := c.read(r.Body, &b); err != nil {
			s.Discard(c.inline)
			return nil, err
		}
		b, err = s.AddBatch(b, batchLife)
		if err != nil {
			return nil, err
		}
		return newOperation(s, b), nil
	}
}

func noModel(model, method string) *apiError {
	return &apiError{status: http.StatusNotFound, word: "NOT_FOUND", message: "models/" + model +
		" is not found for API version v1beta, or is not supported for " + method + ". Call ListModels to see the list of available models."}
}

// A creation reads the request that creates a batch. Rows in it go to a file of
// their own as they come.
type creation struct {
	session protocol.Session
	inline  string // the id of that file
	rows    int
}

// errStop ends the reading of rows.
var errStop = errors.New("no more rows are wanted")

func (c *creation) read(body io.Reader, b *protocol.Batch) error {
	limit := c.session.Rules().InlineBytes
	counted := &limited{r: body, left: limit}
	var rest []byte
	var problem error
	bytes, err := c.session.ReceiveLines(c.inline, func(yield func([]byte, error) bool) {
		rest, problem = scan.Extract(counted, func(row []byte) error {
			c.rows++
			if e := checkInline(c.rows, row, b.Endpoint); e != nil {
				return e
			}
			if !yield(row, nil) {
				return errStop
			}
			return nil
		}, "batch", "inputConfig|input_config", "requests", "requests")
	})
	switch {
	case err != nil:
		return err
	case counted.left < 0:
		return invalid("Request payload size exceeds the limit: %d bytes.", limit)
	}
	if e, isAPI := errors.AsType[*apiError](problem); isAPI {
		return e
	}
	if problem != nil {
		return invalid("Invalid JSON payload received. %v", problem)
	}
	return c.source(rest, b, bytes)
}

// source checks what is in the request beside rows, and finds out where the
// rows are.
func (c *creation) source(rest []byte, b *protocol.Batch, bytes int64) error {
	var r reader
	var batch, name, config, file, requests, priority []byte
	r.object("", rest, members{"batch": &batch})
	if batch == nil {
		return invalid("batch is not specified")
	}
	r.object("batch", batch, members{
		"displayName": &name, "inputConfig": &config, "priority": &priority,
	}.with("webhookConfig", "model", "name"))
	if config == nil {
		r.fail("* BatchGenerateContentRequest.batch.input_config: input_config is not specified")
	} else {
		r.object("batch.input_config", config, members{"fileName": &file, "requests": &requests})
	}
	if requests != nil {
		r.object("batch.input_config.requests", requests, members{}.with("requests"))
	}
	if text, isText := scan.Unquote(name); name != nil && !isText || isText && len(text) > 512 {
		r.fail("Invalid value at 'batch.display_name'")
	}
	if text := unquote(priority); priority != nil {
		if text == "" {
			text = string(priority)
		}
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			r.fail("Invalid value at 'batch.priority' (TYPE_INT64), %s", priority)
		}
	}
	if r.err != nil {
		return r.err
	}
	b.Name = unquote(name)
	switch hasFile := file != nil; {
	case hasFile == (c.rows > 0):
		return invalid("* BatchGenerateContentRequest.batch.input_config: exactly one of file_name and requests must be set.")
	case hasFile:
		return c.fromFile(unquote(file), b)
	}
	return c.fromRows(b, bytes)
}

func (c *creation) fromFile(name string, b *protocol.Batch) error {
	c.session.Discard(c.inline)
	const collection = "files/"
	if len(name) <= len(collection) || name[:len(collection)] != collection {
		return invalid("Invalid file name %q: it must look like files/abc-123.", name)
	}
	b.InputFile = name[len(collection):]
	f, found := c.session.File(b.InputFile)
	switch most := c.session.Rules().BatchBytes; {
	case !found || f.Hidden:
		return hidden(b.InputFile)
	case f.Bytes > most:
		return invalid("The input file size exceeds the limit: %d bytes.", most)
	}
	return nil
}

func (c *creation) fromRows(b *protocol.Batch, bytes int64) error {
	b.InputFile, b.Declared, b.Ordered = c.inline, c.rows, true
	_, err := c.session.AddFile(protocol.File{Identity: protocol.Identity{ID: c.inline}, Bytes: bytes, Hidden: true})
	return err
}

// checkInline checks a row in the request: its names as all of the request, and
// nothing of what only turns out when it runs.
func checkInline(n int, row []byte, endpoint string) *apiError {
	at := "batch.input_config.requests.requests[" + strconv.Itoa(n-1) + "]"
	var r reader
	var request, metadata []byte
	r.object(at, row, members{"request": &request, "metadata": &metadata})
	if metadata != nil {
		if !scan.Members(metadata, nil) {
			r.fail("Invalid value at '%s.metadata'", at)
		}
	}
	if request == nil {
		r.fail("* %s.request: request is not specified", at)
	}
	if _, err := parseParams(request, endpoint); err != nil {
		r.fail("%s: %v", at, err)
	}
	return r.err
}

// limited reads at most left bytes; then left is negative.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}
