package floor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

const endpoint = "/v1/chat/completions"

// request is a line of an input file.
type request struct {
	ID     string `json:"custom_id"`
	Method string `json:"method"`
	URL    string `json:"url"`
	Body   chat   `json:"body"`
}

type chat struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages"`

	Format json.RawMessage `json:"response_format,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// upload streams the line that was scanned and those after it, up to a batch,
// to the provider. It returns the id of the file.
func (r *run) upload(ctx context.Context) (string, error) {
	from, to := io.Pipe()
	form := multipart.NewWriter(to)
	written := make(chan error, 1)
	go func() {
		err := r.writeForm(form)
		to.CloseWithError(err)
		written <- err
	}()
	var file struct {
		ID string `json:"id"`
	}
	err := r.call(ctx, http.MethodPost, "/files", form.FormDataContentType(), from, &file)
	from.Close()
	if failed := <-written; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		err = failed
	}
	if err != nil {
		return "", fmt.Errorf("floor: upload: %w", err)
	}
	return file.ID, nil
}

func (r *run) writeForm(form *multipart.Writer) error {
	if err := form.WriteField("purpose", "batch"); err != nil {
		return err
	}
	part, err := form.CreateFormFile("file", "batch.jsonl")
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(part, 64<<10)
	if err := r.writeRows(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return form.Close()
}

func (r *run) writeRows(w io.Writer) error {
	lines := json.NewEncoder(w)
	for n := 1; ; n++ {
		var in row
		if err := json.Unmarshal(r.lines.Bytes(), &in); err != nil {
			return fmt.Errorf("row %d: %w", r.counts.Rows+1, err)
		}
		if err := r.expect(in.ID); err != nil {
			return err
		}
		err := lines.Encode(request{ID: in.ID, Method: http.MethodPost, URL: endpoint, Body: chat{
			Model:    r.cfg.Model,
			Messages: []message{{Role: "user", Content: "Summarise: " + in.Text}},
			Format:   r.cfg.Format,
		}})
		if err != nil {
			return err
		}
		if n == r.cfg.Batch || !r.lines.Scan() {
			return nil
		}
	}
}

// expect notes that a row was read. An id that is used twice is refused, since
// its answers could not be told apart.
func (r *run) expect(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, used := r.answered[id]; used || id == "" {
		return fmt.Errorf("row %d: the id %q is empty or used twice", r.counts.Rows+1, id)
	}
	r.answered[id] = false
	r.counts.Rows++
	return nil
}
