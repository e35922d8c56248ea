package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestWhatAnotherJobAskedIsNotPaidAgain(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	_, first := w.MustRunAs("one", w.Job(), durabletest.Tickets(300)...)
	report, got := w.MustRunAs("two", w.Job(), durabletest.Others(0, 300)...)
	if report.FromCache != 300 || report.Cached != 300 || report.Succeeded != 300 || report.Batches != 0 || report.Usage.Output != 0 {
		t.Errorf("report %+v", report)
	}
	if n := w.Billed(); n != 300 {
		t.Errorf("%d rows were billed", n)
	}
	for i := range 300 {
		r, was := got[fmt.Sprintf("u-%d", i)], first[fmt.Sprintf("t-%d", i)]
		if !r.Cached || r.Batch != was.Batch || r.Text != was.Text || r.Attempts != 0 || *r.Usage != *was.Usage {
			t.Fatalf("result %+v of %+v", r, was)
		}
	}
	if report, _ = w.MustRunAs("two", w.Job()); report.FromCache != 300 || report.Cached != 300 {
		t.Errorf("once more: %+v", report)
	}
	_, stored := durabletest.Collect(t, w.Archive("two").Results(archive.Query{Ordered: true, Codec: w.Client("sk").Info().Codec}))
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
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	var even []string
	for i := 0; i < 600; i += 2 {
		even = append(even, durabletest.Tickets(600)[i])
	}
	w.MustRunAs("one", w.Job(), even...)
	before := len(w.Server.Batches())
	report, got := w.MustRunAs("two", w.Job(), durabletest.Others(0, 600)...)
	if report.FromCache != 300 || report.Batches != 3 || len(w.Server.Batches())-before != 3 || len(got) != 600 {
		t.Errorf("report %+v", report)
	}
	for id, r := range got {
		if want := strings.ContainsAny(id[len(id)-1:], "02468"); r.Cached != want {
			t.Fatalf("%s: cached %t", id, r.Cached)
		}
	}
	if n := w.Billed(); n != 600 {
		t.Errorf("%d rows were billed", n)
	}
}

func TestTheSameRequestIsThatWhichSaysTheSame(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(20)...)
	const own = `{"messages": [ {"content": "Summarise: %[2]s", "role": "user"} ], "model": %[1]q}`
	if report, _ := w.MustRunAs("written otherwise", w.Formatted("gpt-test", own), durabletest.Others(0, 20)...); report.FromCache != 20 {
		t.Errorf("report %+v", report)
	}
	for name, job := range map[string]durable.Job[durabletest.Ticket]{
		"another model":  w.Formatted("gpt-other", own),
		"another body":   w.Formatted("gpt-test", strings.Replace(own, "Summarise", "Translate", 1)),
		"another number": w.Formatted("gpt-test", strings.Replace(own, `"model"`, `"seed":1,"model"`, 1)),
	} {
		before := w.Billed()
		report, _ := w.MustRunAs(name, job, durabletest.Others(0, 20)...)
		if report.FromCache != 0 || w.Billed()-before != 20 {
			t.Errorf("%s: report %+v", name, report)
		}
	}
}

func TestFailuresAreNotCached(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Seed: 2, Rows: simulator.RowFaults{BadRequest: 0.4}})
	one, _ := w.MustRunAs("one", unguarded(w.Job()), durabletest.Tickets(200)...)
	two, _ := w.MustRunAs("two", unguarded(w.Job()), durabletest.Others(0, 200)...)
	if one.Failed < 20 || two.FromCache != one.Succeeded {
		t.Errorf("reports %+v and %+v", one, two)
	}
	if n := w.Billed(); n != one.Succeeded+two.Succeeded-two.FromCache {
		t.Errorf("%d rows were billed", n)
	}
}

// Samples that ask the same are asked as often as there are, and by the next
// job not at all, unless it wants samples, too.
func TestSamplesAreAskedEach(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	same := func(name string) (lines []string) {
		for i := range 40 {
			lines = append(lines, fmt.Sprintf(`{"id":"%s-%d","text":"toss a coin"}`, name, i))
		}
		return lines
	}
	job := w.Job()
	job.Batch.MaxItems, job.MaxInFlight, job.Samples = 10, 1, true
	w.MustRunAs("one", job, same("a")...)
	if n := w.Billed(); n != 40 {
		t.Errorf("%d rows were billed", n)
	}
	job.Samples = false
	if report, got := w.MustRunAs("two", job, same("b")...); report.FromCache != 40 || len(got) != 40 {
		t.Errorf("report %+v", report)
	}
}

func TestTheCacheCanBeOff(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	off := w.Job()
	off.Cache = -1
	w.MustRunAs("neither kept", off, durabletest.Tickets(10)...)
	if report, _ := w.MustRunAs("so not found", w.Job(), durabletest.Others(0, 10)...); report.FromCache != 0 {
		t.Errorf("report %+v", report)
	}
	if report, _ := w.MustRunAs("nor taken", off, durabletest.Others(0, 10)...); report.FromCache != 0 {
		t.Errorf("report %+v", report)
	}
	if n := w.Billed(); n != 30 {
		t.Errorf("%d rows were billed", n)
	}
}

// An answer that cannot be read any more is asked for again.
func TestAnAnswerThatIsGoneIsAMiss(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(300)...)
	files, err := filepath.Glob(w.Path("state/job-*/results/*"))
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
	report, got := w.MustRunAs("two", w.Job(), durabletest.Others(0, 300)...)
	if report.FromCache != 199 || report.CacheGone != 101 || report.Succeeded != 300 || len(got) != 300 || w.Billed() != 401 {
		t.Errorf("report %+v, %d billed", report, w.Billed())
	}
}

// dying is an output that fails at a certain write.
type dying struct {
	writes int
	write  func(context.Context, durable.Result) error
}

func (o *dying) Write(ctx context.Context, results []durable.Result) error {
	if o.writes--; o.writes < 0 {
		return durabletest.ErrDied
	}
	return durable.Each(o.write).Write(ctx, results)
}

// Whatever of the answers was delivered when the process died, the next one
// delivers the others, once.
func TestAReuseThatIsCutShortGoesOn(t *testing.T) {
	t.Parallel()
	for writes := range 3 {
		w := durabletest.New(t, simulator.Config{})
		w.MustRunAs("one", w.Job(), durabletest.Tickets(5000)...)
		before := w.Billed()
		got := make(map[string]int)
		job := w.Job()
		job.Batch.MaxItems = 5000 // three chunks
		job.Output = &dying{writes, func(_ context.Context, r durable.Result) error {
			got[r.ID]++
			return nil
		}}
		if _, _, err := w.RunAs("two", job, durabletest.Others(0, 5000)...); !errors.Is(err, durabletest.ErrDied) {
			t.Fatalf("after %d writes: %v", writes, err)
		}
		job.Output.(*dying).writes = 100
		report, _ := w.MustRunAs("two", job)
		if report.FromCache != 5000 || len(got) != 5000 || w.Billed() != before {
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
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.MustRunAs("first", w.Job(), durabletest.Tickets(50)...)
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
			before := w.Billed()
			again := w.Job()
			again.Cache = test.cache
			report, _ := w.MustRunAs(test.name, again, durabletest.Others(0, 50)...)
			if report.FromCache != test.cached || w.Billed()-before != 50-test.cached {
				t.Errorf("%s: report %+v, %d billed", test.name, report, w.Billed()-before)
			}
		}
	})
}
