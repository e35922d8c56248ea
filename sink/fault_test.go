package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
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

func newRequest(t *testing.T, method, url string) (*http.Request, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return req, err
}

func TestCreationThatGotLost(t *testing.T) {
	for name, test := range map[string]struct {
		fault    simulator.Fault
		min, max time.Duration
	}{
		"applied":           {fault(create, simulator.ActionResetAfter), 0, time.Minute},
		"applied, then 500": {fault(create, simulator.ActionFailAfter), 0, time.Minute},
		"applied late":      {simulator.Fault{Route: create, Action: simulator.ActionLate, Delay: 5 * time.Minute}, 5 * time.Minute, 9 * time.Minute},
		"not applied":       {fault(create, simulator.ActionReset), 10 * time.Minute, 11 * time.Minute},
		"answer cut off":    {fault(create, simulator.ActionTruncate), 0, time.Minute},
		"turned away":       {simulator.Fault{Route: create, Action: simulator.ActionFail, Status: 429, Times: 20}, 0, time.Hour},
	} {
		bubble(t, simulator.Config{Faults: []simulator.Fault{test.fault}}, openai.Config{}, func(w world) {
			t := w.t
			start := time.Now()
			w.mustRun(sink.Config{}, texts(20))
			w.wantBatches(1)
			w.wantBilled(20)
			if took := time.Since(start); took < test.min || took > test.max {
				t.Errorf("%s: took %s, want %s to %s", name, took, test.min, test.max)
			}
		})
	}
}

func TestCreationThatShowsUpAfterTheGraceIsAdopted(t *testing.T) {
	cfg := simulator.Config{Faults: []simulator.Fault{
		{Route: create, Action: simulator.ActionLate, Delay: 15 * time.Minute},
		{Route: create, From: 2, Action: simulator.ActionReset},
	}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		w.mustRun(sink.Config{}, texts(5)) // the second creation has the same tag
		w.wantBatches(1)
		w.wantBilled(5)
	})
}

func TestDownloadThatBreaksOffLosesNothing(t *testing.T) {
	const content = "GET /v1/files/{id}/content"
	for name, faults := range map[string][]simulator.Fault{
		"truncated":   {{Route: content, Action: simulator.ActionTruncate, Times: 3}},
		"every third": {{Route: content, Action: simulator.ActionReset, Times: 7}},
		"failing":     {{Route: content, Action: simulator.ActionFail, Times: 9}},
		"listing":     {{Route: "GET /v1/files", Action: simulator.ActionFail, Times: 9}},
		"upload lost": {{Route: "POST /v1/files", Action: simulator.ActionResetAfter, Times: 2}},
		"polling":     {{Route: "GET /v1/batches/{id}", Action: simulator.ActionFail, Status: 502, Times: 30}},
	} {
		bubble(t, simulator.Config{Faults: faults}, openai.Config{}, func(w world) {
			t := w.t
			for text, r := range w.mustRun(sink.Config{}, texts(500)) {
				if r.Err != nil || r.Attempts != 1 {
					t.Errorf("%s: %q: %+v", name, text, r)
				}
			}
			w.wantBatches(1)
			w.wantBilled(500)
		})
	}
}

// Rows that are counted as run and in no result are not bought again.
func TestStrayRowsAreNobodysAndMissingOnesFail(t *testing.T) {
	rows := simulator.RowFaults{Repeated: 0.3, Foreign: 0.3, Missing: 0.1}
	bubble(t, simulator.Config{Rows: rows}, openai.Config{}, func(w world) {
		t := w.t
		missing := 0
		for text, r := range w.mustRun(sink.Config{Attempts: 20, Remove: true}, texts(300)) {
			if r.Err == nil {
				continue
			}
			if missing++; retry.ClassOf(r.Err) != retry.Ambiguous || !strings.Contains(r.Err.Error(), "result_missing") {
				t.Errorf("%q: %v", text, r.Err)
			}
		}
		if missing < 10 || missing > 60 {
			t.Errorf("%d of 300 rows are missing, want about 30", missing)
		}
		w.wantBatches(1)
		removed := false
		for r, err := range w.server.Requests() {
			if err != nil {
				t.Fatal(err)
			}
			removed = removed || r.Method == http.MethodDelete
		}
		if removed {
			t.Error("files were removed of which rows are missing")
		}
	})
}

func TestResultsThatAreNotThereYetAreAskedForAgain(t *testing.T) {
	const content = "GET /v1/files/{id}/content"
	for name, f := range map[string]simulator.Fault{
		"late":    {Route: "GET /v1/batches/{id}", Action: simulator.ActionMerge, Merge: json.RawMessage(`{"output_file_id":null}`)},
		"a page":  {Route: content, Action: simulator.ActionReplace, Body: "<html>\n<p>\n"},
		"empty":   {Route: content, Action: simulator.ActionReplace},
		"cut":     {Route: content, Action: simulator.ActionCut},
		"gone":    {Route: content, Action: simulator.ActionReplace, Status: http.StatusNotFound, Body: "{}"},
		"a batch": {Route: "GET /v1/batches/{id}", Action: simulator.ActionMerge, Merge: json.RawMessage(`{"id":"another","status":"failed"}`)},
	} {
		f.From, f.Times = 2, 9
		bubble(t, simulator.Config{Faults: []simulator.Fault{f}}, openai.Config{}, func(w world) {
			for text, r := range w.mustRun(sink.Config{}, texts(50)) {
				if r.Err != nil || r.Attempts != 1 {
					w.t.Errorf("%s: %q: %+v", name, text, r)
				}
			}
			w.wantBatches(1)
			w.wantBilled(50)
		})
	}
}

// Rows go again that have no status, and those without a result for which the
// counts leave room.
func TestRowsThatNeverRanGoAgain(t *testing.T) {
	var asked atomic.Int64
	cfg := simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if asked.Add(1) == 1 {
			return simulator.Reply{Raw: []byte(`"response":{"status_code":0,"body":""},"error":null`)}
		}
		return simulator.Echo(r)
	}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		for text, r := range w.mustRun(sink.Config{}, texts(3)) {
			if r.Err != nil {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBatches(2)
	})
	uncounted := simulator.Config{Rows: simulator.RowFaults{Missing: 1}, Faults: []simulator.Fault{{
		Route: "GET /v1/batches/{id}", Action: simulator.ActionMerge, Times: -1,
		Merge: json.RawMessage(`{"status":"expired","request_counts":{"total":3,"completed":0,"failed":0}}`),
	}}}
	bubble(t, uncounted, openai.Config{}, func(w world) {
		for text, r := range w.mustRun(sink.Config{Attempts: 2}, texts(3)) {
			if r.Err == nil || !strings.Contains(r.Err.Error(), "not_executed") || r.Attempts != 2 {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBatches(2)
	})
}

func TestBatchThatIsPutOffDoesNotCountAsAnAttempt(t *testing.T) {
	cfg := simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 1500}, Latency: simulator.Latency{Processing: time.Hour}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		t := w.t
		for text, r := range w.mustRun(sink.Config{}, texts(30), textsFrom(30, 30), textsFrom(60, 30)) {
			if r.Err != nil || r.Attempts != 1 {
				t.Errorf("%q: %+v", text, r)
			}
		}
		w.wantBilled(90)
		tags := make(map[string]bool)
		for _, b := range w.server.Batches() {
			tags[b.Metadata["baler_tag"]] = true
		}
		if n := len(w.server.Batches()); n <= 3 || len(tags) != 3 {
			t.Errorf("%d batches, %d tags: some are put off, and created again under the same tag", n, len(tags))
		}
	})
}

func TestBatchThatIsPutOffForLongHasAllItsTimeToRun(t *testing.T) {
	cfg := simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 1500}, Latency: simulator.Latency{Processing: 20 * time.Hour}}
	bubble(t, cfg, openai.Config{}, func(w world) {
		for text, r := range w.mustRun(sink.Config{}, texts(30), textsFrom(30, 30)) {
			if r.Err != nil || r.Attempts != 1 {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
	})
}

func TestBatchThatIsAlwaysPutOffFailsInTheEnd(t *testing.T) {
	bubble(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 1}}, openai.Config{Limits: sink.Limits{Window: time.Hour}}, func(w world) {
		start := time.Now()
		for text, r := range w.mustRun(sink.Config{Attempts: 1}, texts(3)) {
			var row *sink.RowError
			if !errors.As(r.Err, &row) || row.Class != retry.Retryable || row.Code != "token_limit_exceeded" || r.Batch != "" {
				w.t.Errorf("%q: %+v", text, r)
			}
		}
		if took := time.Since(start); took > time.Hour+sink.DefaultGrace {
			w.t.Errorf("it took %s", took)
		}
	})
}

// Why a batch is refused may be unknown: then it is tried as often as rows are.
func TestBatchThatIsRefusedForAnUnknownReasonIsTriedAgain(t *testing.T) {
	for times, class := range map[int]retry.Class{2: 0, -1: retry.Permanent} {
		cfg := simulator.Config{Faults: []simulator.Fault{{
			Route: create, Action: simulator.ActionInvalid, Times: times, Errors: []simulator.BatchError{{Code: "odd", Message: "m"}},
		}}}
		bubble(t, cfg, openai.Config{}, func(w world) {
			for text, r := range w.mustRun(sink.Config{Attempts: 3}, texts(3)) {
				if retry.ClassOf(r.Err) != class {
					w.t.Errorf("refused %d times: %q: %+v", times, text, r)
				}
			}
			w.wantBatches(3)
		})
	}
}

func TestRowAtFaultForARefusedBatchFailsAlone(t *testing.T) {
	bubble(t, simulator.Config{Models: []string{"gpt-5.4-mini"}}, openai.Config{}, func(w world) {
		t := w.t
		request := func(text string) (sink.Request, error) {
			r, err := w.request(text)
			if text == "bad" {
				r.Body = []byte(`{"model":"gpt-nowhere","messages":[]}`)
			}
			return r, err
		}
		got, err := collect(t, t.Context(), sink.FromSlices(w.provider, request, sink.Config{}), []string{"a", "bad", "b"})
		if err != nil || len(got) != 3 {
			t.Fatalf("%v, %v", got, err)
		}
		if r := got["bad"]; retry.ClassOf(r.Err) != retry.Permanent || r.Attempts != 1 {
			t.Errorf("bad: %+v", r)
		}
		for _, text := range []string{"a", "b"} {
			if r := got[text]; r.Err != nil || r.Attempts != 2 {
				t.Errorf("%s: %+v", text, r)
			}
		}
	})
}

func TestBatchThatNeverEndsIsGivenUp(t *testing.T) {
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 20 * time.Hour}}
	bubble(t, cfg, openai.Config{Limits: sink.Limits{Window: time.Hour}}, func(w world) {
		t := w.t
		start := time.Now()
		for text, r := range w.mustRun(sink.Config{}, texts(3)) {
			if retry.ClassOf(r.Err) != retry.Ambiguous || r.Batch == "" {
				t.Errorf("%q: %+v", text, r)
			}
		}
		if took := time.Since(start); took > time.Hour+sink.DefaultGrace {
			t.Errorf("it took %s", took)
		}
	})
}

func TestProviderThatCannotBeReachedFailsRowsInTheEnd(t *testing.T) {
	cfg := simulator.Config{Faults: []simulator.Fault{{Action: simulator.ActionReset, Times: -1}}}
	bubble(t, cfg, openai.Config{Limits: sink.Limits{Window: time.Hour}}, func(w world) {
		t := w.t
		for text, r := range w.mustRun(sink.Config{}, texts(3)) {
			if retry.ClassOf(r.Err) != retry.Retryable || r.Attempts != sink.DefaultAttempts || r.Batch != "" {
				t.Errorf("%q: %+v", text, r)
			}
		}
	})
}

func TestExpiredRowsGoAgain(t *testing.T) {
	bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 48 * time.Hour}}, openai.Config{}, func(w world) {
		t := w.t
		done, expired := map[int]int{}, 0
		for text, r := range w.mustRun(sink.Config{Attempts: 3}, texts(64)) {
			switch {
			case r.Err == nil:
				done[r.Attempts]++
			case retry.ClassOf(r.Err) == retry.Retryable && r.Attempts == 3:
				expired++
			default:
				t.Errorf("%q: %+v", text, r)
			}
		}
		if done[1] != 32 || done[2] != 16 || done[3] != 8 || expired != 8 { // each window does half
			t.Errorf("done by attempts %v, expired %d", done, expired)
		}
		w.wantBilled(56)
	})
}

func TestBlockedProviderStopsTheStageAndLosesNoBatch(t *testing.T) {
	cfg := simulator.Config{
		Latency: simulator.Latency{Processing: time.Hour},
		Faults:  []simulator.Fault{{Route: create, From: 2, Action: simulator.ActionFail, Status: 429, Code: "insufficient_quota", Times: -1}},
	}
	bubble(t, cfg, openai.Config{}, func(w world) {
		t := w.t
		in, out := make(chan [][]string), make(chan []sink.Result[string], 100)
		done := make(chan error)
		go func() { done <- sink.FromSlices(w.provider, w.request, sink.Config{}).Run(t.Context(), in, out) }()
		in <- [][]string{texts(5)}
		time.Sleep(time.Minute)
		in <- [][]string{textsFrom(5, 5)}
		synctest.Wait()
		time.Sleep(time.Minute)
		select {
		case in <- [][]string{texts(1)}:
			t.Error("a blocked stage took more input")
		default:
		}
		if err := <-done; retry.ClassOf(err) != retry.Blocked {
			t.Error(err)
		}
		close(out)
		n := 0
		for results := range out {
			n += len(results)
		}
		if n != 5 {
			t.Errorf("%d results, want those of the batch that was at the provider", n)
		}
	})
}

func TestBlockedStageStartsNoMoreBatches(t *testing.T) {
	bubble(t, simulator.Config{Keys: []string{"another"}}, openai.Config{Limits: sink.Limits{Rows: 1}}, func(w world) {
		p := &uploads{Provider: w.provider}
		w.provider = p
		if _, err := w.run(sink.Config{InFlight: 1}, texts(20), textsFrom(20, 20)); retry.ClassOf(err) != retry.Blocked {
			w.t.Error(err)
		}
		if n := p.n.Load(); n != 1 {
			w.t.Errorf("%d batches were tried", n)
		}
	})
}

// uploads counts them.
type uploads struct {
	sink.Provider
	n atomic.Int64
}

func (p *uploads) Upload(ctx context.Context, s sink.Spec, rows sink.Rows) (string, error) {
	p.n.Add(1)
	return p.Provider.Upload(ctx, s, rows)
}

func TestWrongKeyIsAnErrorOfTheStage(t *testing.T) {
	bubble(t, simulator.Config{Keys: []string{"another"}}, openai.Config{}, func(w world) {
		t := w.t
		got, err := w.run(sink.Config{}, texts(5))
		if retry.ClassOf(err) != retry.Blocked || len(got) != 0 {
			t.Errorf("%d results, %v", len(got), err)
		}
	})
}

func TestSurplusBatchesAreCancelled(t *testing.T) {
	bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, func(w world) {
		t := w.t
		w.provider = twice{w.provider}
		w.mustRun(sink.Config{}, texts(10))
		cancelled := 0
		for _, b := range w.server.Batches() {
			if b.Status == "cancelled" {
				cancelled++
			}
		}
		w.wantBatches(2)
		if cancelled != 1 {
			t.Errorf("%d batches were cancelled, want 1", cancelled)
		}
		w.wantBilled(10)
	})
}

// twice creates every batch two times and says that it does not know.
type twice struct{ sink.Provider }

func (p twice) Create(ctx context.Context, s sink.Spec, file string, rows sink.Rows) (string, error) {
	for range 2 {
		if _, err := p.Provider.Create(ctx, s, file, rows); err != nil {
			return "", err
		}
	}
	return "", retry.Mark(errors.New("no answer"), retry.Ambiguous)
}

// strange calls every status by a name that nobody knows until the batch ends.
type strange struct{ sink.Provider }

func (p strange) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	s, err := p.Provider.Status(ctx, h)
	s.Unknown = !s.Ended
	return s, err
}

func TestUnknownStatusIsWaitedOutWithOneWarning(t *testing.T) {
	bubble(t, simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Hour}}, openai.Config{}, func(w world) {
		var log bytes.Buffer
		w.provider = strange{w.provider}
		for text, r := range w.mustRun(sink.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, texts(3)) {
			if r.Err != nil {
				w.t.Errorf("%q: %v", text, r.Err)
			}
		}
		if n := strings.Count(log.String(), "unknown status"); n != 1 {
			w.t.Errorf("%d warnings: %s", n, &log)
		}
	})
}

// list is what a client reads of the list of batches.
type list struct {
	next   http.RoundTripper
	change func(reply *http.Response) string // "" for no change
}

func (l list) RoundTrip(r *http.Request) (*http.Response, error) {
	reply, err := l.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet || r.URL.Path != "/v1/batches" {
		return reply, err
	}
	if body := l.change(reply); body != "" {
		_ = reply.Body.Close()
		reply.Body, reply.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	return reply, nil
}

// A list that lacks the batch once, when it could no longer appear, is asked
// again; one that cannot be read to its end leaves it open whether the batch
// exists.
func TestABatchInDoubtIsNotBoughtAgainTooSoon(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(since time.Duration, vain *int) string
		class  retry.Class
	}{
		"lacks it once": {func(since time.Duration, vain *int) string {
			if since < 10*time.Minute || *vain == 0 {
				if since >= 10*time.Minute {
					*vain++
				}
				return `{"data":[],"has_more":false}`
			}
			return ""
		}, 0},
		"goes round": {func(time.Duration, *int) string { return `{"data":[{"id":"x"}],"has_more":true}` }, retry.Ambiguous},
	} {
		bubble(t, simulator.Config{Faults: []simulator.Fault{fault(create, simulator.ActionResetAfter)}}, openai.Config{}, func(w world) {
			t := w.t
			start, vain := time.Now(), 0
			client, err := openai.New(key, openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: list{
				w.server.Client().Transport, func(*http.Response) string { return tc.change(time.Since(start), &vain) },
			}})
			if err != nil {
				t.Fatal(err)
			}
			w.provider = client
			for text, r := range w.mustRun(sink.Config{}, texts(5)) {
				if retry.ClassOf(r.Err) != tc.class {
					t.Errorf("%s: %q: %+v", name, text, r)
				}
			}
			w.wantBatches(1)
		})
	}
}
