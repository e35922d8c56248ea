package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// runAs runs the job under another name, with an output of its own and an input
// that is written first, unless it was before.
func (w *world) runAs(name string, job durable.Job[ticket], lines ...string) (durable.Report, map[string]durable.Result, error) {
	w.t.Helper()
	if len(lines) > 0 {
		w.write(name+".in", lines...)
	}
	job.Name, job.Source = name, source.JSONL[ticket](w.path(name+".in"))
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	got := make(map[string]durable.Result)
	job.Store = store
	if job.Output == nil {
		job.Output = durable.Each(func(_ context.Context, r durable.Result) error {
			if _, ok := got[r.ID]; ok {
				w.t.Errorf("%s has two results", r.ID)
			}
			got[r.ID] = r
			return nil
		})
	}
	report, err := durable.Run(w.t.Context(), job)
	return report, got, err
}

func (w *world) mustRunAs(name string, job durable.Job[ticket], lines ...string) (durable.Report, map[string]durable.Result) {
	w.t.Helper()
	report, got, err := w.runAs(name, job, lines...)
	if err != nil || !report.Finished {
		w.t.Fatalf("%s: %+v, %v", name, report, err)
	}
	return report, got
}

// others are the tickets from one number to another, under other ids.
func others(from, to int) (lines []string) {
	for i := from; i < to; i++ {
		lines = append(lines, fmt.Sprintf(`{"id":"u-%d","text":"ticket number %d"}`, i, i))
	}
	return lines
}

func TestWhatAnotherJobAskedIsNotPaidAgain(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	_, first := w.mustRunAs("one", w.job(), tickets(300)...)
	report, got := w.mustRunAs("two", w.job(), others(0, 300)...)
	if report.FromCache != 300 || report.Cached != 300 || report.Succeeded != 300 || report.Batches != 0 || report.Usage.Output != 0 {
		t.Errorf("report %+v", report)
	}
	if n := w.billed(); n != 300 {
		t.Errorf("%d rows were billed", n)
	}
	for i := range 300 {
		r, was := got[fmt.Sprintf("u-%d", i)], first[fmt.Sprintf("t-%d", i)]
		if !r.Cached || r.Batch != was.Batch || r.Text != was.Text || r.Attempts != 0 || *r.Usage != *was.Usage {
			t.Fatalf("result %+v of %+v", r, was)
		}
	}
	if report, _ = w.mustRunAs("two", w.job()); report.FromCache != 300 || report.Cached != 300 {
		t.Errorf("once more: %+v", report)
	}
	_, stored := all(t, w.archive("two").Results(archive.Query{Ordered: true, Codec: w.client("sk")}))
	for _, r := range stored {
		if r.Batch != got[r.ID].Batch || !r.Cached || r.Text != got[r.ID].Text || r.Attempts != 0 {
			t.Fatalf("stored %+v", r)
		}
	}
	if len(stored) != 300 {
		t.Errorf("%d are stored", len(stored))
	}
}

// What is in the cache leaves no gaps in the batches of the rest.
func TestOnlyTheRestIsSentInFullBatches(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	var even []string
	for i := 0; i < 600; i += 2 {
		even = append(even, tickets(600)[i])
	}
	w.mustRunAs("one", w.job(), even...)
	before := len(w.server.Batches())
	report, got := w.mustRunAs("two", w.job(), others(0, 600)...)
	if report.FromCache != 300 || report.Batches != 3 || len(w.server.Batches())-before != 3 || len(got) != 600 {
		t.Errorf("report %+v", report)
	}
	for id, r := range got {
		if want := strings.ContainsAny(id[len(id)-1:], "02468"); r.Cached != want {
			t.Fatalf("%s: cached %t", id, r.Cached)
		}
	}
	if n := w.billed(); n != 600 {
		t.Errorf("%d rows were billed", n)
	}
}

// requests is a job whose bodies are made by format.
func (w *world) requests(model, format string) durable.Job[ticket] {
	job := w.job()
	job.Prompt = nil
	job.Request = func(tk ticket) (durable.Request, error) {
		return durable.Request{Endpoint: "/v1/chat/completions", Model: model, Body: fmt.Appendf(nil, format, model, tk.Text)}, nil
	}
	return job
}

func TestTheSameRequestIsThatWhichSaysTheSame(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.mustRunAs("one", w.job(), tickets(20)...)
	const own = `{"messages": [ {"content": "Summarise: %[2]s", "role": "user"} ], "model": %[1]q}`
	if report, _ := w.mustRunAs("written otherwise", w.requests("gpt-test", own), others(0, 20)...); report.FromCache != 20 {
		t.Errorf("report %+v", report)
	}
	for name, job := range map[string]durable.Job[ticket]{
		"another model":  w.requests("gpt-other", own),
		"another body":   w.requests("gpt-test", strings.Replace(own, "Summarise", "Translate", 1)),
		"another number": w.requests("gpt-test", strings.Replace(own, `"model"`, `"seed":1,"model"`, 1)),
	} {
		before := w.billed()
		report, _ := w.mustRunAs(name, job, others(0, 20)...)
		if report.FromCache != 0 || w.billed()-before != 20 {
			t.Errorf("%s: report %+v", name, report)
		}
	}
}

func TestFailuresAreNotCached(t *testing.T) {
	w := newWorld(t, simulator.Config{Seed: 2, Rows: simulator.RowFaults{BadRequest: 0.4}})
	one, _ := w.mustRunAs("one", w.job(), tickets(200)...)
	two, _ := w.mustRunAs("two", w.job(), others(0, 200)...)
	if one.Failed < 20 || two.FromCache != one.Succeeded {
		t.Errorf("reports %+v and %+v", one, two)
	}
	if n := w.billed(); n != one.Succeeded+two.Succeeded-two.FromCache {
		t.Errorf("%d rows were billed", n)
	}
}

// Rows that ask the same are asked as often as there are, and by the next job
// not at all.
func TestSamplesAreAskedEach(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	same := func(name string) (lines []string) {
		for i := range 40 {
			lines = append(lines, fmt.Sprintf(`{"id":"%s-%d","text":"toss a coin"}`, name, i))
		}
		return lines
	}
	job := w.job()
	job.Batch.MaxItems, job.MaxInFlight = 10, 1
	w.mustRunAs("one", job, same("a")...)
	if n := w.billed(); n != 40 {
		t.Errorf("%d rows were billed", n)
	}
	if report, got := w.mustRunAs("two", job, same("b")...); report.FromCache != 40 || len(got) != 40 {
		t.Errorf("report %+v", report)
	}
}

func TestTheCacheCanBeOff(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	off := w.job()
	off.Cache = -1
	w.mustRunAs("neither kept", off, tickets(10)...)
	if report, _ := w.mustRunAs("so not found", w.job(), others(0, 10)...); report.FromCache != 0 {
		t.Errorf("report %+v", report)
	}
	if report, _ := w.mustRunAs("nor taken", off, others(0, 10)...); report.FromCache != 0 {
		t.Errorf("report %+v", report)
	}
	if n := w.billed(); n != 30 {
		t.Errorf("%d rows were billed", n)
	}
}

// An answer that cannot be read any more is asked for again.
func TestAnAnswerThatIsGoneIsAMiss(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.mustRunAs("one", w.job(), tickets(300)...)
	files, err := filepath.Glob(w.path("state/job-*/results/*"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := errors.Join(os.WriteFile(files[0], b, 0o600), os.Remove(files[1])); err != nil {
		t.Fatal(err)
	}
	report, got := w.mustRunAs("two", w.job(), others(0, 300)...)
	if report.FromCache != 199 || report.CacheGone != 101 || report.Succeeded != 300 || len(got) != 300 || w.billed() != 401 {
		t.Errorf("report %+v, %d billed", report, w.billed())
	}
}

// dying is an output that fails at a certain write.
type dying struct {
	writes int
	write  func(context.Context, durable.Result) error
}

func (o *dying) Write(ctx context.Context, results []durable.Result) error {
	if o.writes--; o.writes < 0 {
		return errDied
	}
	return durable.Each(o.write).Write(ctx, results)
}

// Whatever of the answers was delivered when the process died, the next one
// delivers the others, once.
func TestAReuseThatIsCutShortGoesOn(t *testing.T) {
	for writes := range 3 {
		w := newWorld(t, simulator.Config{})
		w.mustRunAs("one", w.job(), tickets(2500)...)
		before := w.billed()
		got := make(map[string]int)
		job := w.job()
		job.Batch.MaxItems = 3000
		job.Output = &dying{writes, func(_ context.Context, r durable.Result) error {
			got[r.ID]++
			return nil
		}}
		if _, _, err := w.runAs("two", job, others(0, 2500)...); !errors.Is(err, errDied) {
			t.Fatalf("after %d writes: %v", writes, err)
		}
		job.Output.(*dying).writes = 100
		report, _ := w.mustRunAs("two", job)
		if report.FromCache != 2500 || len(got) != 2500 || w.billed() != before {
			t.Errorf("after %d writes: report %+v, %d results", writes, report, len(got))
		}
		for id, n := range got {
			if n != 1 {
				t.Fatalf("after %d writes: %s came %d times", writes, id, n)
			}
		}
	}
}

// Thirty days are the default, and pass at once.
func TestTheCacheForgets(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(simulator.Config{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, server: server, dir: dir}
		job := func() durable.Job[ticket] {
			client, err := openai.New("sk-test", openai.Config{BaseURL: "http://localhost/v1", Transport: server.Client().Transport})
			if err != nil {
				t.Fatal(err)
			}
			job := w.base()
			job.Provider, job.Poll, job.Grace = client, 0, 0
			return job
		}
		w.mustRunAs("first", job(), tickets(50)...)
		for _, test := range []struct {
			name   string
			wait   time.Duration
			cache  time.Duration
			cached int
		}{
			{"after 29 days", 29 * 24 * time.Hour, 0, 50},
			{"for an hour only", 0, time.Hour, 0}, // which renews it
			{"after 29 more days", 29 * 24 * time.Hour, 0, 50},
			{"after 31 days", 2 * 24 * time.Hour, 0, 0},
			{"renewed again", 24 * time.Hour, 0, 50},
		} {
			time.Sleep(test.wait)
			before := w.billed()
			again := job()
			again.Cache = test.cache
			report, _ := w.mustRunAs(test.name, again, others(0, 50)...)
			if report.FromCache != test.cached || w.billed()-before != 50-test.cached {
				t.Errorf("%s: report %+v, %d billed", test.name, report, w.billed()-before)
			}
		}
		server.Client().CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
}
