package openai_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// many yields n rows of some 10 KB and then err, if it is one. Each time it is
// ranged over, it yields more rows by growth.
func many(n, growth int, err error) sink.Rows {
	times := 0
	body := []byte(chat(strings.Repeat("x", 10_000)))
	return func(yield func(sink.Row, error) bool) {
		limit := n + times*growth
		times++
		for range limit {
			if !yield(sink.Row{ID: "row", Body: body}, nil) {
				return
			}
		}
		if times > 1 && err != nil {
			yield(sink.Row{}, err)
		}
	}
}

// The rows are too many to be kept since they were measured.
func TestRowsThatFailDuringTheUploadEndItAtOnce(t *testing.T) {
	const upload = "POST /v1/files"
	broken := errors.New("disk on fire")
	for name, rows := range map[string]sink.Rows{
		"they fail": many(2000, 0, broken),
		"they grow": many(2000, 1, nil),
	} {
		server, c := simulate(t, simulator.Config{})
		_, err := c.Upload(t.Context(), spec("tag"), rows)
		if err == nil || name == "they fail" && (!errors.Is(err, broken) || retry.ClassOf(err) != retry.Permanent) {
			t.Errorf("%s: %v", name, err)
		}
		if n := requests(t, server, "GET /v1/files"); name == "they fail" && n != 1 {
			t.Errorf("%s: %d attempts", name, n)
		}
		for r, err := range server.Requests() {
			if err != nil || r.Route == upload && r.Status == http.StatusOK {
				t.Errorf("%s: half a file was stored: %v", name, err)
			}
		}
	}
}

// answerEarly is a transport that answers before it has read the body, and then
// closes it while it is read, as Go's own may.
type answerEarly struct{ done chan struct{} }

func (a answerEarly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		go func() {
			defer close(a.done)
			buf := make([]byte, 1<<10)
			for {
				if _, err := r.Body.Read(buf); err != nil {
					return
				}
			}
		}()
		_ = r.Body.Close()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestBodyMayBeClosedWhileItIsRead(t *testing.T) {
	early := answerEarly{make(chan struct{})}
	c, err := openai.New(secret, openai.Config{Transport: &splitter{early: early}, Retry: retry.Policy{MaxAttempts: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Upload(t.Context(), spec("tag"), many(5000, 0, nil)); err == nil {
		t.Error("an empty reply is no file")
	}
	<-early.done
}

// splitter finds no earlier upload.
type splitter struct{ early answerEarly }

func (s *splitter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return s.early.RoundTrip(r)
}
