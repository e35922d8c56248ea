package durable_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// meddler is a network in which another call ends the run at a place of its own
// choice: while the nth call of a kind waits for its reply, before or after the
// provider has heard of it, every look at a batch is refused.
type meddler struct {
	next  http.RoundTripper
	match func(*http.Request) bool
	nth   int  // of the matching calls, from 1; 0 for none
	after bool // the provider has applied the call by then
	reply time.Duration

	mu    sync.Mutex
	seen  int
	met   bool // the place was reached
	ended bool // looks are refused
	kinds []string
}

// RoundTrip implements http.RoundTripper.
func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	here, refused := false, m.ended && look(r)
	if m.match(r) {
		m.seen++
		m.kinds = append(m.kinds, r.Method+" "+r.URL.Path)
		here = m.seen == m.nth
		m.met, m.ended = m.met || here, m.ended || here
	}
	m.mu.Unlock()
	switch {
	case refused:
		return answerWith(r, http.StatusUnauthorized, `{"error":{"message":"key revoked","code":"invalid_api_key"}}`), nil
	case !here:
		return m.next.RoundTrip(r)
	}
	return m.linger(r)
}

// linger is a call whose reply takes its time.
func (m *meddler) linger(r *http.Request) (reply *http.Response, err error) {
	if m.after {
		if reply, err = m.next.RoundTrip(r.WithContext(context.WithoutCancel(r.Context()))); err != nil {
			return nil, err
		}
	}
	timer := time.NewTimer(m.reply)
	defer timer.Stop()
	select {
	case <-timer.C:
		if m.after {
			return reply, nil
		}
		return m.next.RoundTrip(r)
	case <-r.Context().Done():
		if reply != nil {
			_ = reply.Body.Close()
		}
		return nil, context.Cause(r.Context())
	}
}

// look reports whether a call asks how far a batch is.
func look(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/batches/")
}

func answerWith(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: make(http.Header), Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)),
	}
}

// heal lets all calls pass.
func (m *meddler) heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nth, m.ended = 0, false
}

// creates reports whether a call creates a batch.
func creates(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/v1/batches"
}

// wantTagsOnce fails unless there are n batches at the provider, no two of
// which have a tag.
func wantTagsOnce(w *durabletest.World, n int) {
	w.T.Helper()
	tags := make(map[string]string)
	for _, b := range w.Server.Batches() {
		if first := tags[b.Metadata["baler_tag"]]; first != "" {
			w.T.Errorf("batches %s and %s have one tag", first, b.ID)
		}
		tags[b.Metadata["baler_tag"]] = b.ID
	}
	if len(tags) != n {
		w.T.Errorf("%d batches at the provider, want %d", len(tags), n)
	}
}

// The second of two batches is being created when a look at the first one ends
// the run. Whether its reply is a little or far too late, nothing is bought
// twice.
func TestACreationThatAnotherCallInterruptsIsNotTakenForRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply  time.Duration
		after  bool
		doubts int
	}{
		"applied, the reply is 3 s away":      {3 * time.Second, true, 0},
		"applied, the reply is a minute away": {time.Minute, true, 1},
		"never applied, 3 s away":             {3 * time.Second, false, 0},
		"never sent":                          {time.Hour, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &meddler{match: creates, nth: 2, after: tc.after, reply: tc.reply}
			wrap := func(next http.RoundTripper) http.RoundTripper { m.next = next; return m }
			cfg := simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Minute}}
			durabletest.Bubble(t, cfg, openai.Config{}, wrap, func(w *durabletest.World) {
				t := w.T
				w.Write("in.jsonl", durabletest.Tickets(20)...)
				job := w.Job()
				job.Batch.MaxItems, job.Poll = 10, time.Second
				report, err := w.Run(t.Context(), job)
				if retry.ClassOf(err) != retry.Blocked || report.Finished || !m.met {
					t.Fatalf("report %+v, %v", report, err)
				}
				if n := w.Log.Count("creation unclear"); n != tc.doubts {
					t.Errorf("%d creations were unclear, want %d", n, tc.doubts)
				}
				m.heal()
				job = w.Job()
				job.Batch.MaxItems = 10
				if report := w.MustRun(job); report.Succeeded != 20 || report.Batches != 2 || report.Surplus != 0 {
					t.Errorf("report %+v", report)
				}
				wantTagsOnce(w, 2)
				w.WantBilledOnce(20)
			})
		})
	}
}

// borrowing is a provider of somebody else's making, which passes on why its
// context has ended, with or without a class of its own making.
type borrowing struct {
	sink.Provider
	again bool // marks the error anew
}

func (b borrowing) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (string, error) {
	batch, err := b.Provider.Create(ctx, s, file, rows)
	if err == nil {
		return batch, nil
	}
	<-ctx.Done()
	err = fmt.Errorf("borrowed: %w", &retry.Error{Class: retry.Blocked, Err: context.Cause(ctx)})
	if b.again {
		err = errors.New("no class at all")
	}
	return "", err
}

// Whatever a provider makes of it, a creation that was cut off is unclear.
func TestAClassIsNotBelievedOnceTheCallIsOver(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		cfg := simulator.Config{Faults: []simulator.Fault{fault(creation, simulator.ActionResetAfter)}}
		durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(5)...)
			job := w.Job()
			job.Provider = borrowing{w.Provider, again}
			if report := w.MustRun(job); w.Log.Count("creation unclear") != 1 || report.Batches != 1 || report.Succeeded != 5 {
				w.T.Errorf("again %t: report %+v", again, report)
			}
			wantTagsOnce(w, 1)
		})
	}
}

func fault(route string, action simulator.Action) simulator.Fault {
	return simulator.Fault{Route: route, Action: action}
}

// changes reports whether a call changes something at the provider, or brings
// results.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet || strings.HasSuffix(r.URL.Path, "/content")
}

// doubling creates the first batch twice and loses both replies, so that one of
// them has to be cancelled.
type doubling struct {
	next http.RoundTripper
	once sync.Once
}

// RoundTrip implements http.RoundTripper.
func (d *doubling) RoundTrip(r *http.Request) (reply *http.Response, err error) {
	first := false
	if creates(r) {
		d.once.Do(func() { first = true })
	}
	if !first {
		return d.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	for range 2 {
		if err != nil {
			return nil, err
		}
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		if reply, err = d.next.RoundTrip(again); err == nil {
			err = reply.Body.Close()
		}
	}
	if err == nil {
		err = errors.New("the reply is lost")
	}
	return nil, err
}

// interruption is a run of three batches, one of which is bought twice, that
// another call may end at one place. It returns the kinds of calls, and whether
// the run was ended.
func interruption(t *testing.T, nth int, after bool) (places []string, ended bool) {
	t.Helper()
	m := &meddler{match: changes, nth: nth, after: after, reply: time.Hour}
	wrap := func(next http.RoundTripper) http.RoundTripper {
		m.next = &doubling{next: next}
		return m
	}
	cfg := simulator.Config{Latency: simulator.Latency{Validation: 10 * time.Minute}} // until then nothing is billed
	durabletest.Bubble(t, cfg, openai.Config{Retry: retry.Policy{MaxAttempts: 1}}, wrap, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(30)...)
		run := func() error {
			job := w.Job()
			job.Batch.MaxItems, job.Poll = 10, time.Second
			job.Creates = durable.Rate{Requests: 1, Per: 3 * time.Minute} // so that one runs while another is settled
			_, err := w.Run(t.Context(), job)
			return err
		}
		err := run()
		if ended = err != nil; ended && retry.ClassOf(err) != retry.Blocked {
			t.Fatal(err)
		}
		m.heal()
		if err := run(); err != nil {
			t.Fatal(err)
		}
		cancelled := 0
		for _, b := range w.Server.Batches() {
			if b.Status == "cancelled" || b.Status == "cancelling" {
				cancelled++
			}
		}
		if n := len(w.Server.Batches()); n != 4 || cancelled != 1 || len(w.Results()) != 30 {
			t.Errorf("%d batches, %d cancelled, %d results", n, cancelled, len(w.Results()))
		}
		w.WantBilledOnce(30)
	})
	return m.kinds, ended
}

// Another call ends the run within each upload, creation, cancellation,
// download and deletion, before and after the provider has heard of it.
func TestAnotherCallEndsTheRunAtEveryPoint(t *testing.T) {
	t.Parallel()
	places, _ := interruption(t, 0, false)
	var all, ends atomic.Int64
	t.Run("at", func(t *testing.T) {
		for n := range places {
			for _, after := range []bool{false, true} {
				if post := strings.HasPrefix(places[n], http.MethodPost); !post && after == (n%2 == 0) || testing.Short() && !post {
					continue // it costs nothing
				}
				all.Add(1)
				t.Run(fmt.Sprintf("%d %t", n+1, after), func(t *testing.T) {
					t.Parallel()
					if _, ended := interruption(t, n+1, after); ended {
						ends.Add(1)
					}
				})
			}
		}
	})
	if all.Load() < 12 || ends.Load() < all.Load()/2 { // no other one is open beside the last
		t.Errorf("ended %d times of %d at %q", ends.Load(), all.Load(), places)
	}
}
