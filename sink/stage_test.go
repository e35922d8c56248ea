package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestEveryItemHasOneResult(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		t := w.t
		got := w.mustRun(sink.Config{}, texts(700), textsFrom(700, 3))
		for text, r := range got {
			reply, err := w.codec.Decode(r.Body)
			if r.Err != nil || err != nil || r.Status != 200 || r.Attempts != 1 || r.Batch == "" {
				t.Fatalf("%q: %+v, %v", text, r, err)
			}
			if !strings.Contains(reply.Text, strings.Fields(text)[1]) {
				t.Errorf("%q was answered %q", text, reply.Text)
			}
		}
		if len(got) != 703 {
			t.Errorf("%d results", len(got))
		}
		w.wantBatches(2)
		w.wantBilled(703)
	})
}

func TestAStageCountsItsItems(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		s := sink.FromSlices(w.provider, w.request, sink.Config{})
		if _, err := collect(w.t, w.t.Context(), s, []string{"good", "[[400]]", "better"}, []string{"best"}); err != nil {
			w.t.Fatal(err)
		}
		if got := s.Stats(); got != (sink.StageStats{Succeeded: 3, Failed: 1}) {
			w.t.Errorf("%+v", got)
		}
	})
}

func TestRowThatMaySucceedGoesAgainUpToAttempts(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		t := w.t
		got := w.mustRun(sink.Config{Attempts: 4}, []string{"good", "[[429]]", "[[timeout]]", "[[400]]", "[[refuse]]", "[[length]]"})
		for text, want := range map[string]struct {
			attempts, status int
			class            retry.Class
		}{
			"good":        {1, 200, 0},
			"[[429]]":     {4, 429, retry.Retryable},
			"[[timeout]]": {4, 0, retry.Retryable},
			"[[400]]":     {1, 400, retry.Permanent},
			"[[refuse]]":  {1, 200, retry.Permanent},
			"[[length]]":  {1, 200, retry.Permanent},
		} {
			r := got[text]
			if r.Attempts != want.attempts || r.Status != want.status || retry.ClassOf(r.Err) != want.class {
				t.Errorf("%s: %+v, want %+v", text, r, want)
			}
			var row *sink.RowError
			if want.class != 0 && (!errors.As(r.Err, &row) || row.Code == "") {
				t.Errorf("%s: error is %#v", text, r.Err)
			}
		}
		w.wantBatches(4)
	})
}

func TestItemThatCannotBeSentIsSettledAtOnce(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{Limits: sink.Limits{Bytes: 2000}}, func(w world) {
		t := w.t
		refuse := errors.New("no such field")
		for name, request := range map[string]func(string) (sink.Request, error){
			"invalid_request": func(string) (sink.Request, error) { return sink.Request{}, refuse },
			"invalid_json":    raw(`{"a":1},"custom_id":"other"`),
			"too_large":       raw(`"` + strings.Repeat("x", 2000) + `"`),
		} {
			got, err := collect(t, t.Context(), sink.FromSlices(w.provider, request, sink.Config{}), []string{"a", "b"})
			var row *sink.RowError
			if err != nil || len(got) != 2 || !errors.As(got["a"].Err, &row) || row.Code != name || row.Class != retry.Permanent {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
		w.wantBatches(0)
	})
}

func TestBodyIsPutOnOneLine(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		t := w.t
		request := raw("{\n  \"model\": \"m\",\n  \"messages\": [{\"role\": \"user\", \"content\": \"1.0 < 2\"}]\n}")
		got, err := collect(t, t.Context(), sink.FromSlices(w.provider, request, sink.Config{}), []string{"a"})
		if err != nil || got["a"].Err != nil || !bytes.Contains(got["a"].Body, []byte("1.0 < 2")) {
			t.Errorf("%+v, %v", got["a"], err)
		}
	})
}

func TestBatchIsSplitByLimitsAndModels(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{Limits: sink.Limits{Rows: 10}}, func(w world) {
		t := w.t
		w.mustRun(sink.Config{}, texts(25))
		w.wantBatches(3)
		n := 0
		mixed := sink.FromSlices(w.provider, func(text string) (sink.Request, error) {
			n++
			w.model = fmt.Sprintf("model-%d", n%2)
			return w.request(text)
		}, sink.Config{})
		got, err := collect(t, t.Context(), mixed, texts(8))
		if err != nil || len(got) != 8 {
			t.Errorf("%d results, %v", len(got), err)
		}
		w.wantBatches(5)
	})
	bubble(t, simulator.Config{}, openai.Config{Limits: sink.Limits{Bytes: 1100}}, func(w world) {
		w.mustRun(sink.Config{}, texts(10)) // three fit
		w.wantBatches(4)
	})
}

// counted notes how many batches are between creation and end.
type counted struct {
	sink.Provider
	open, most atomic.Int64
}

func (c *counted) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (string, error) {
	batch, err := c.Provider.Create(ctx, s, file, rows)
	c.most.Store(max(c.most.Load(), c.open.Add(1)))
	return batch, err
}

func (c *counted) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	s, err := c.Provider.Status(ctx, h)
	if s.Ended {
		c.open.Add(-1)
	}
	return s, err
}

func TestBatchesInFlightAreBounded(t *testing.T) {
	bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, func(w world) {
		t := w.t
		c := &counted{Provider: w.provider}
		w.provider = c
		var batches [][]string
		for i := range 9 {
			batches = append(batches, textsFrom(10*i, 10))
		}
		start := time.Now()
		w.mustRun(sink.Config{InFlight: 3}, batches...)
		if got := c.most.Load(); got != 3 {
			t.Errorf("%d batches at once, want 3", got)
		}
		if took := time.Since(start); took < 3*time.Hour || took > 4*time.Hour {
			t.Errorf("nine batches of an hour took %s, three at a time", took)
		}
	})
}

func TestPollingSlowsDownWithAge(t *testing.T) {
	bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Hour}}, openai.Config{}, func(w world) {
		t := w.t
		w.mustRun(sink.Config{}, texts(3))
		polls := 0
		for r, err := range w.server.Requests() {
			if err != nil {
				t.Fatal(err)
			}
			if r.Route == "GET /v1/batches/{id}" {
				polls++
			}
		}
		if polls < 120 || polls > 240 { // every 10 s would be 3,600
			t.Errorf("%d polls in 10 hours", polls)
		}
	})
}

func TestCancelledStageReturnsTheCauseAndSendsNothing(t *testing.T) {
	bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, func(w world) {
		t := w.t
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("enough")
		in, out := make(chan [][]string, 1), make(chan []sink.Result[string], 100)
		in <- [][]string{texts(3)}
		done := make(chan error)
		go func() { done <- sink.FromSlices(w.provider, w.request, sink.Config{}).Run(ctx, in, out) }()
		time.Sleep(time.Minute)
		cancel(cause)
		start := time.Now()
		if err := <-done; err != cause { //nolint:errorlint // the contract says the cause itself
			t.Error(err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %s to return", took)
		}
		if len(out) != 0 {
			t.Error("results were sent after cancel")
		}
	})
}

// cancelling ends the context of the stage when results are read, and reads on.
type cancelling struct {
	sink.Provider
	cancel context.CancelFunc
}

func (p cancelling) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	p.cancel()
	return p.Provider.Results(context.WithoutCancel(ctx), h)
}

func TestNothingIsSentAfterCancelThoughThereIsRoom(t *testing.T) {
	for range 20 { // as a select picks at random
		bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
			ctx, cancel := context.WithCancel(w.t.Context())
			w.provider = cancelling{w.provider, cancel}
			got, err := collect(w.t, ctx, sink.FromSlices(w.provider, w.request, sink.Config{}), texts(300))
			if len(got) != 0 || !errors.Is(err, context.Canceled) {
				w.t.Errorf("%d results, %v", len(got), err)
			}
		})
	}
}

func TestResultsWaitForTheReader(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
		t := w.t
		ctx, cancel := context.WithCancelCause(t.Context())
		in, out := make(chan [][]string, 1), make(chan []sink.Result[string])
		in <- [][]string{texts(600)}
		done := make(chan error)
		go func() { done <- sink.FromSlices(w.provider, w.request, sink.Config{}).Run(ctx, in, out) }()
		first := <-out
		time.Sleep(48 * time.Hour) // longer than the window: what has ended is not given up
		second := <-out
		synctest.Wait()
		cause := errors.New("enough")
		cancel(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Error(err)
		}
		if len(first) != 256 || len(second) != 256 {
			t.Errorf("%d and %d results", len(first), len(second))
		}
	})
}

func TestContentOfRowsAndKeyAreNotLogged(t *testing.T) {
	faults := []simulator.Fault{
		fault(create, simulator.ActionResetAfter),
		{Route: "GET /v1/batches/{id}", Action: simulator.ActionFail, Times: 5, Status: 503},
		{Route: "GET /v1/files/{id}/content", Action: simulator.ActionFail, Times: 5, Status: 500},
	}
	bubble(t, simulator.Config{Faults: faults}, openai.Config{}, func(w world) {
		t := w.t
		var log bytes.Buffer
		cfg := sink.Config{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		got := w.mustRun(cfg, []string{"canary [[400]]", "canary"})
		text := log.String() + fmt.Sprintf("%+v %+v", cfg, got["canary [[400]]"].Err)
		if strings.Contains(text, "canary") || strings.Contains(text, key) {
			t.Error(text)
		}
		if !strings.Contains(text, "creation unclear") || !strings.Contains(text, "trying again") {
			t.Errorf("the log does not tell what happened: %s", text)
		}
		for line := range strings.Lines(log.String()) {
			if !json.Valid([]byte(line)) {
				t.Error(line)
			}
		}
	})
}

func TestFilesStayUnlessRemoved(t *testing.T) {
	for remove, want := range map[bool]int{false: 2, true: 0} {
		bubble(t, simulator.Config{}, openai.Config{}, func(w world) {
			t := w.t
			w.mustRun(sink.Config{Remove: remove}, texts(3))
			if got := w.files(); got != want {
				t.Errorf("Remove %t: %d files are left, want %d", remove, got, want)
			}
		})
	}
}

// files counts the files at the provider.
func (w world) files() int {
	w.t.Helper()
	req, err := newRequest(w.t, "GET", w.server.URL+"/v1/files")
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Data []any }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		w.t.Fatal(err)
	}
	return len(list.Data)
}
