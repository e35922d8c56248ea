package durable_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// uploads is a transport that keeps the files which are uploaded.
type uploads struct {
	http.RoundTripper
	each func(n int) // is called after the nth

	mu    sync.Mutex
	files []string
}

var boundary = regexp.MustCompile(`boundary=(\S+)`)

func (u *uploads) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/files") {
		return u.RoundTripper.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	between := boundary.FindStringSubmatch(r.Header.Get("Content-Type"))[1]
	u.mu.Lock()
	u.files = append(u.files, strings.ReplaceAll(string(body), between, ""))
	n := len(u.files)
	u.mu.Unlock()
	reply, err := u.RoundTripper.RoundTrip(r)
	u.each(n)
	return reply, err
}

// A batch whose file is gone is uploaded again by another process, to the byte
// as before.
func TestAnUploadIsRepeatedToTheByte(t *testing.T) {
	t.Parallel()
	gone := []simulator.Fault{
		{Route: creation, Action: simulator.ActionReplace, Status: http.StatusBadRequest, Body: `{"error":{"message":"Cannot find file","param":"input_file_id"}}`},
		{Route: "GET /v1/files/{id}", Action: simulator.ActionFail, Status: http.StatusNotFound},
		{Route: "GET /v1/files", Action: simulator.ActionReplace, Body: `{"data":[]}`, Times: -1},
	}
	durabletest.Bubble(t, simulator.Config{Faults: gone}, openai.Config{}, nil, func(w *durabletest.World) {
		var stop context.CancelFunc
		u := &uploads{each: func(n int) {
			if n == 1 {
				stop()
			}
		}}
		w.Interpose(func(next http.RoundTripper) http.RoundTripper {
			u.RoundTripper = next
			return u
		})
		w.Write("in.jsonl", durabletest.Tickets(50)...)
		job := w.Job()
		temperature := 0.3
		job.Prompt = func(tk durabletest.Ticket) (llm.Chat, error) {
			chat := llm.Ask("<é\u2028> \"" + tk.Text).As("Be brief.")
			if strings.HasSuffix(tk.ID, "7") {
				chat.Temperature, chat.MaxTokens = &temperature, 9
				chat.Options = llm.Options{"top_p": []byte("0.10"), "seed": []byte("1"), "stop": []byte(`["x"]`)}
				chat.Messages[1].Parts = []llm.Part{{Image: &llm.File{URL: "https://example.com/a.png"}, Options: llm.Options{"detail": []byte(`"low"`)}}}
			}
			return chat, nil
		}
		ctx, cancel := context.WithCancel(w.T.Context())
		stop = cancel
		if _, err := w.Run(ctx, job); !errors.Is(err, context.Canceled) {
			w.T.Fatal(err)
		}
		report := w.MustRun(job)
		if report.Succeeded != 50 || report.Batches != 1 || len(u.files) < 2 {
			w.T.Errorf("report %+v, %d uploads", report, len(u.files))
		}
		for n, file := range u.files {
			if file != u.files[0] || strings.Count(file, "custom_id") != 50 {
				w.T.Errorf("upload %d is another: %d and %d bytes", n+1, len(file), len(u.files[0]))
			}
		}
	})
}
