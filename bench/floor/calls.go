package floor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// batch is a batch as the provider describes it.
type batch struct {
	ID         string `json:"id"`
	Status     string `json:"status"`
	OutputFile string `json:"output_file_id"`
	ErrorFile  string `json:"error_file_id"`
}

func (b batch) ended() bool {
	switch b.Status {
	case "completed", "failed", "expired", "cancelled":
		return true
	}
	return false
}

func (r *run) create(ctx context.Context, file string) (b batch, err error) {
	body, err := json.Marshal(map[string]string{
		"input_file_id": file, "endpoint": endpoint, "completion_window": "24h",
	})
	if err != nil {
		return b, err
	}
	err = r.call(ctx, http.MethodPost, "/batches", "application/json", bytes.NewReader(body), &b)
	return b, err
}

func (r *run) poll(ctx context.Context, id string) (b batch, err error) {
	err = r.call(ctx, http.MethodGet, "/batches/"+id, "", nil, &b)
	return b, err
}

// call decodes the reply into value.
func (r *run) call(ctx context.Context, method, path, kind string, body io.Reader, value any) error {
	reply, err := r.send(ctx, method, path, kind, body)
	if err != nil {
		return err
	}
	defer reply.Close()
	return json.NewDecoder(reply).Decode(value)
}

// send returns the body of a reply with status 200.
func (r *run) send(ctx context.Context, method, path, kind string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.cfg.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.cfg.Key)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := r.cfg.Client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("floor: %s %s: %s", method, path, resp.Status)
	}
	return resp.Body, nil
}
