package mistral

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// jobData is what else Mistral knows of a job.
type jobData struct {
	Model  string `json:"model,omitempty"`
	Agent  string `json:"agent,omitempty"`
	Inline bool   `json:"inline,omitempty"`
}

func jobDataOf(b protocol.Batch) (d jobData) {
	_ = json.Unmarshal(b.Data, &d) // the protocol wrote it itself
	return d
}

// jobObject is a job as clients see it.
type jobObject struct {
	ID         string            `json:"id"`
	Object     string            `json:"object"`
	InputFiles []string          `json:"input_files"`
	Metadata   map[string]string `json:"metadata"`
	Endpoint   string            `json:"endpoint"`
	Model      *string           `json:"model"`
	Agent      *string           `json:"agent_id"`
	OutputFile *string           `json:"output_file"`
	ErrorFile  *string           `json:"error_file"`
	Errors     []jobError        `json:"errors"`
	Outputs    *int              `json:"outputs"` // null; where they are, they are put in
	Status     string            `json:"status"`
	CreatedAt  int64             `json:"created_at"`
	StartedAt  *int64            `json:"started_at"`
	Completed  *int64            `json:"completed_at"`
	Total      int               `json:"total_requests"`
	Done       int               `json:"completed_requests"`
	Succeeded  int               `json:"succeeded_requests"`
	Failed     int               `json:"failed_requests"`
}

// jobError is why a job failed, and how often.
type jobError struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
}

var statuses = map[string]string{
	protocol.Validating: "QUEUED", protocol.InProgress: "RUNNING", protocol.Finalizing: "RUNNING",
	protocol.Completed: "SUCCESS", protocol.Failed: "FAILED", protocol.Expired: "TIMEOUT_EXCEEDED",
	protocol.Cancelling: "CANCELLATION_REQUESTED", protocol.Cancelled: "CANCELLED",
}

func newJobObject(b protocol.Batch) jobObject {
	d := jobDataOf(b)
	o := jobObject{
		ID: b.ID, Object: "batch", InputFiles: []string{}, Metadata: b.Metadata, Endpoint: b.Endpoint,
		Model: optional(d.Model), Agent: optional(d.Agent), Errors: []jobError{}, Status: statuses[b.Status],
		CreatedAt: b.Created.Unix(), StartedAt: unix(b.InProgressAt), Completed: unix(b.EndedAt),
		Total: b.Counts.Total, Done: b.Counts.Completed + b.Counts.Failed, Succeeded: b.Counts.Completed, Failed: b.Counts.Failed,
	}
	if !d.Inline {
		o.InputFiles = []string{b.InputFile}
	}
	if b.Ended() && b.Status != protocol.Failed && !d.Inline {
		o.OutputFile, o.ErrorFile = optional(b.OutputFile), optional(b.ErrorFile)
	}
	if b.Status == protocol.Failed {
		o.Errors = jobErrors(b.Errors)
	}
	return o
}

// jobErrors counts the errors that are alike.
func jobErrors(all []protocol.LineError) []jobError {
	counted, at := []jobError{}, make(map[string]int)
	for _, e := range all {
		i, known := at[e.Message]
		if !known {
			i = len(counted)
			at[e.Message], counted = i, append(counted, jobError{Message: e.Message})
		}
		counted[i].Count++
	}
	return counted
}

// job returns the job that the request's path names.
func job(s protocol.Session, r *http.Request) (protocol.Batch, error) {
	id := r.PathValue("id")
	if !isUUID(id) {
		return protocol.Batch{}, wrong("uuid_parsing", "Input should be a valid UUID", id, "path", "job_id")
	}
	b, found := s.Batch(id)
	if !found {
		return b, notFound("Job %s not found", id)
	}
	return b, nil
}

// getJob shows a job, with its results if the query asks for them.
func getJob(s protocol.Session, r *http.Request) (any, error) {
	b, err := job(s, r)
	if err != nil {
		return nil, err
	}
	o := newJobObject(b)
	inline, err := truth(r.URL.Query(), "inline")
	if err != nil || !inline || !b.Ended() || b.Status == protocol.Failed {
		return o, err
	}
	files, err := openResults(s, b)
	return withOutputs{o, files}, err
}

// openResults opens the result files that there are.
func openResults(s protocol.Session, b protocol.Batch) (files []*os.File, err error) {
	for _, id := range []string{b.OutputFile, b.ErrorFile} {
		f, found := s.File(id)
		if !found {
			continue
		}
		in, err := s.Open(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("simulator: read content: %w", err)
		}
		files = append(files, in)
	}
	return files, nil
}

// withOutputs is a job with its results.
type withOutputs struct {
	job   jobObject
	files []*os.File
}

// serve writes the results row by row, as they may be large.
func (o withOutputs) serve(w http.ResponseWriter, _ *http.Request) {
	head, err := json.Marshal(o.job)
	before, after, found := bytes.Cut(head, []byte(`"outputs":null`))
	if err != nil || !found {
		writeError(w, fmt.Errorf("simulator: write job: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(before, `"outputs":[`...)) // a client that went away needs no reply
	n := 0
	for _, in := range o.files {
		err = errors.Join(err, writeElements(w, in, &n))
		_ = in.Close()
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the reply must not look whole
	}
	_, _ = w.Write(append([]byte("]"), after...))
}

func writeElements(w io.Writer, in io.Reader, n *int) error {
	for line, err := range scan.Lines(in) {
		if err != nil {
			return err
		}
		if len(line.Text) == 0 {
			continue
		}
		if *n++; *n > 1 {
			_, _ = io.WriteString(w, ",")
		}
		if _, err := w.Write(line.Text); err != nil {
			return err
		}
	}
	return nil
}

// cancelJob stops a job that has not ended. Cancelling it again is fine.
func cancelJob(s protocol.Session, r *http.Request) (any, error) {
	b, err := job(s, r)
	if err != nil {
		return nil, err
	}
	if b, err = s.CancelBatch(b); err != nil {
		return nil, err
	}
	if b.Ended() && b.Status != protocol.Cancelled {
		return nil, failure(http.StatusBadRequest, "", "invalid_request_error", "Job %s is %s and cannot be cancelled", b.ID, statuses[b.Status])
	}
	return newJobObject(b), nil
}

// deleteJob deletes a job that has ended. Its files stay.
func deleteJob(s protocol.Session, r *http.Request) (any, error) {
	b, err := job(s, r)
	if err != nil {
		return nil, err
	}
	if !b.Ended() {
		return nil, failure(http.StatusConflict, "", "invalid_request_error", "Job %s is %s and cannot be deleted", b.ID, statuses[b.Status])
	}
	err = s.DeleteBatch(b)
	return map[string]any{"id": b.ID, "object": "batch", "deleted": true}, err
}
