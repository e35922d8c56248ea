package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var sameWorlds = flag.Uint64("durable.worlds", 2, "number of worlds that a stage and a job settle")

const (
	scriptRows  = 30
	scriptBatch = 10
	scriptTries = 3
)

// script is a world that a seed describes: what becomes of each row, what goes
// wrong with calls, and when the process of a job dies.
type script struct {
	seed   uint64
	texts  []string
	faults []simulator.Fault
	kills  []kill

	mu       sync.Mutex
	deaths   int            // of processes of the job
	executed map[string]int // by text
	paid     map[string]int
}

// kill is the end of a process at a call of its provider, before or after the
// provider has heard of it.
type kill struct {
	call  int // from 1
	after bool
}

func newScript(seed uint64) *script {
	rng := rand.New(rand.NewPCG(seed, 11))
	s := &script{seed: seed, executed: make(map[string]int), paid: make(map[string]int)}
	kinds := []string{"good", "good", "good", "good", "[[400]]", "[[429]]", "[[refuse]]", "[[length]]", "twice", "once", "poison"}
	for n := range scriptRows {
		s.texts = append(s.texts, fmt.Sprintf("%s row %d", kinds[rng.IntN(len(kinds))], n))
	}
	s.texts[rng.IntN(scriptRows)] = "lost row"
	for _, n := range rng.Perm(len(scriptFaults))[:3+rng.IntN(4)] { // each once: a route is not refused for an unknown reason until rows fail
		f := scriptFaults[n]
		f.From = 1 + rng.IntN(3)
		s.faults = append(s.faults, f)
	}
	for range 3 {
		s.kills = append(s.kills, kill{1 + rng.IntN(12), rng.IntN(2) == 0})
	}
	return s
}

const resultFile = "GET /v1/files/{id}/content"

// scriptFaults are what goes wrong with calls, without any effect on a row.
var scriptFaults = []simulator.Fault{
	{Route: creation, Action: simulator.ActionResetAfter},
	{Route: creation, Action: simulator.ActionFailAfter},
	{Route: creation, Action: simulator.ActionTruncate},
	{Route: creation, Action: simulator.ActionReset},
	{Route: creation, Action: simulator.ActionLate, Delay: 3 * time.Minute},
	{Route: creation, Action: simulator.ActionFail, Status: http.StatusTooManyRequests, Times: 2},
	{Route: creation, Action: simulator.ActionFail, Status: http.StatusServiceUnavailable},
	{Route: creation, Action: simulator.ActionInvalid, Errors: []simulator.BatchError{{Code: "odd", Message: "m"}}},
	{Route: creation, Action: simulator.ActionInvalid, Errors: []simulator.BatchError{{Code: "server_error", Message: "m"}}},
	{Route: "POST /v1/files", Action: simulator.ActionResetAfter},
	{Route: "GET /v1/batches/{id}", Action: simulator.ActionFail, Status: http.StatusBadGateway, Times: 6},
	{Route: "GET /v1/batches/{id}", Action: simulator.ActionMerge, Merge: json.RawMessage(`{"output_file_id":null}`), Times: 4},
	{Route: "GET /v1/batches", Action: simulator.ActionFail, Times: 5},
	{Route: resultFile, Action: simulator.ActionCut, Times: 2},
	{Route: resultFile, Action: simulator.ActionReplace, Body: "<html>"},
	{Route: resultFile, Action: simulator.ActionReset, Times: 5},
}

// answer plays the model, and notes what has to be paid for.
func (s *script) answer(r simulator.Row) simulator.Reply {
	var body struct {
		Messages []struct{ Content string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil || len(body.Messages) == 0 {
		return simulator.Echo(r)
	}
	text := body.Messages[0].Content
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executed[text]++
	reply := simulator.Echo(r)
	if n := s.executed[text]; strings.HasPrefix(text, "twice") && n <= 2 || strings.HasPrefix(text, "once") && n == 1 {
		reply = simulator.Reply{Error: &simulator.RowError{Status: http.StatusTooManyRequests, Code: "slow_down", Message: "m"}}
	}
	if reply.Error == nil {
		s.paid[text]++
	}
	return reply
}

func (s *script) config() simulator.Config {
	return simulator.Config{
		Seed: s.seed, Models: []string{"gpt-test"}, Answer: s.answer, Faults: s.faults,
		Latency: simulator.Latency{Processing: 20 * time.Minute},
	}
}

// request returns the request for a text. One that is poison is found invalid
// before its batch runs.
func (s *script) request(text string) (sink.Request, error) {
	format := `{"model":"gpt-test","messages":[{"role":"user","content":%q}]}`
	if strings.HasPrefix(text, "poison") {
		format = `{"model":"gpt-nowhere","messages":[],"user":%q}`
	}
	return sink.Request{Endpoint: "/v1/chat/completions", Model: "gpt-test", Body: fmt.Appendf(nil, format, text)}, nil
}

// mortal is a network in which a process dies, and which never brings the
// result of a lost row.
type mortal struct {
	next http.RoundTripper

	mu    sync.Mutex
	kill  kill
	calls int
	die   context.CancelCauseFunc // nil while nothing may die
}

var errKilled = retry.Mark(errors.New("the process was killed"), retry.Ambiguous)

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	dead, last, after := m.count()
	if dead || last && !after {
		return nil, errKilled
	}
	reply, err := m.next.RoundTrip(r)
	if last && err == nil {
		_ = reply.Body.Close()
		return nil, errKilled
	}
	if err != nil || !strings.HasSuffix(r.URL.Path, "/content") {
		return reply, err
	}
	return lose(reply)
}

// count counts a call. It reports whether the process is dead, and whether it
// dies now.
func (m *mortal) count() (dead, last, after bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.die == nil {
		return false, false, false
	}
	m.calls++
	if last = m.calls == m.kill.call; last {
		m.die(errKilled)
	}
	return m.calls > m.kill.call, last, m.kill.after
}

// live starts a process that dies at k, or never if k is zero.
func (m *mortal) live(k kill, die context.CancelCauseFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kill, m.calls, m.die = k, 0, die
	if k.call == 0 {
		m.die = nil
	}
}

// lose leaves out the lines of lost rows.
func lose(reply *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(reply.Body)
	if closed := reply.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	var kept []byte
	for line := range bytes.Lines(body) {
		if !bytes.Contains(line, []byte("lost row")) {
			kept = append(kept, line...)
		}
	}
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(kept)), int64(len(kept))
	reply.Header.Del("Content-Length")
	return reply, nil
}

// settled is what became of a row, and what it cost.
type settled struct {
	Class    retry.Class
	Code     string
	Executed int
	Paid     int
}

func (s *script) settled(text string, err error) settled {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := settled{Class: retry.ClassOf(err), Executed: s.executed[text], Paid: s.paid[text]}
	if row, ok := errors.AsType[*sink.RowError](err); ok {
		end.Code = row.Code
	}
	return end
}

// byStage settles the rows with a stage.
func (s *script) byStage(t *testing.T) map[string]settled {
	t.Helper()
	ends := make(map[string]settled)
	durabletest.Bubble(t, s.config(), openai.Config{}, func(next http.RoundTripper) http.RoundTripper { return &mortal{next: next} }, func(w *durabletest.World) {
		in, out := make(chan [][]string, scriptRows), make(chan []sink.Result[string], scriptRows)
		for n := 0; n < scriptRows; n += scriptBatch {
			in <- [][]string{s.texts[n : n+scriptBatch]}
		}
		close(in)
		if err := sink.FromSlices(w.Provider, s.request, sink.Config{Attempts: scriptTries}).Run(w.T.Context(), in, out); err != nil {
			w.T.Fatal(err)
		}
		close(out)
		for results := range out {
			for _, r := range results {
				ends[r.Item] = s.settled(r.Item, r.Err)
			}
		}
		s.wantPaid(w)
	})
	return ends
}

// byJob settles the rows with a job, the process of which dies now and then. A
// person lets the rows fail that are missing for good.
func (s *script) byJob(t *testing.T) map[string]settled {
	t.Helper()
	var ends map[string]settled
	m := new(mortal)
	wrap := func(next http.RoundTripper) http.RoundTripper {
		m.next = next
		return m
	}
	durabletest.Bubble(t, s.config(), openai.Config{}, wrap, func(w *durabletest.World) {
		w.Write("in.jsonl", s.lines()...)
		for n := 0; s.live(w, m, n); n++ {
			if n > len(s.kills)+10 {
				w.T.Fatal("the job never ends")
			}
		}
		ends = s.ends(w)
		s.wantPaid(w)
		if s.deaths == 0 {
			w.T.Error("no process has died")
		}
	})
	return ends
}

// lines are the rows as the source of a job has them.
func (s *script) lines() (lines []string) {
	for n, text := range s.texts {
		lines = append(lines, fmt.Sprintf(`{"id":"%d","text":%q}`, n, text))
	}
	return lines
}

func (s *script) requestOf(tk durabletest.Ticket) (sink.Request, error) { return s.request(tk.Text) }

// ends returns what became of the rows of a job.
func (s *script) ends(w *durabletest.World) map[string]settled {
	w.T.Helper()
	ends := make(map[string]settled)
	for id, r := range w.Results() {
		var n int
		if _, err := fmt.Sscan(id, &n); err != nil {
			w.T.Fatal(err)
		}
		var err error
		if r.Error != nil {
			err = r.Error
		}
		ends[s.texts[n]] = s.settled(s.texts[n], err)
	}
	return ends
}

// live is the nth process of the job. It reports whether another one is needed.
func (s *script) live(w *durabletest.World, m *mortal, n int) bool {
	ctx, die := context.WithCancelCause(w.T.Context())
	defer die(nil)
	if m.live(kill{}, nil); n < len(s.kills) {
		m.live(s.kills[n], die)
	}
	job := unguarded(w.Job())
	job.Prompt, job.Request = nil, s.requestOf
	job.Batch.MaxItems, job.MaxAttempts = scriptBatch, scriptTries
	_, err := w.Run(ctx, job)
	waiting, undecided := errors.AsType[*durable.UndecidedError](err)
	switch {
	case undecided:
		for _, b := range waiting.Batches {
			if err := w.Attach().Settle(w.T.Context(), b.Batch, durable.DecisionFail); err != nil {
				w.T.Fatal(err)
			}
		}
		return true
	case ctx.Err() != nil:
		s.deaths++
		return true
	case retry.ClassOf(err) == retry.Retryable:
		return true // it could not be reached for a minute: somebody starts it again
	case err != nil:
		w.T.Fatal(err)
	}
	return false
}

// wantPaid fails unless the provider's ledger says what the model saw.
func (s *script) wantPaid(w *durabletest.World) {
	w.T.Helper()
	paid := 0
	for _, n := range s.paid {
		paid += n
	}
	if billed := w.Billed(); billed != paid {
		w.T.Errorf("%d rows are billed, and the model has answered %d", billed, paid)
	}
}

// A stage and a job settle the same rows in the same world: each row has the
// same end, and has been run and paid for as often.
func TestStageAndJobSettleTheSameWorldForTheSameBill(t *testing.T) {
	t.Parallel()
	for seed := range *sameWorlds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			stage, job := newScript(seed).byStage(t), newScript(seed).byJob(t)
			if len(stage) != scriptRows {
				t.Errorf("the stage has settled %d rows", len(stage))
			}
			if diff := cmp.Diff(stage, job); diff != "" {
				t.Errorf("stage (-) and job (+) differ:\n%s", diff)
			}
		})
	}
}
