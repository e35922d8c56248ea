package durable_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

const creation = "POST /v1/batches"

// untagged is a job at a provider that keeps no tag with a batch, each of which
// takes an hour. Its five rows make one batch.
type untagged struct {
	*world
	job     durable.Job[ticket]
	diary   *diary
	foreign sink.Handle // the last batch of somebody else, if there is one
}

// withoutTags runs a test of an untagged job in a bubble.
func withoutTags(t *testing.T, test func(u *untagged)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(simulator.Config{Latency: simulator.Latency{Processing: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		}()
		w := &world{t: t, server: server, dir: t.TempDir()}
		w.write("in.jsonl", tickets(5)...)
		u := &untagged{world: w, diary: &diary{start: time.Now()}}
		u.job = u.fresh()
		test(u)
	})
}

// fresh is the job with its input at the start.
func (u *untagged) fresh() durable.Job[ticket] {
	client := u.pipe()
	return durable.Job[ticket]{
		Name: "tickets", Source: source.JSONL[ticket](u.path("in.jsonl")), Key: ticket.key, Prompt: ticket.prompt,
		Provider: sinktest.Untagged(client), Codec: client, Model: "gpt-test",
		Batch: accumulator.Config{MaxItems: 5}, Log: slog.New(u.diary),
	}
}

func (u *untagged) pipe() *openai.Client {
	u.t.Helper()
	c, err := openai.New("sk-test", openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: u.server.Client().Transport})
	if err != nil {
		u.t.Fatal(err)
	}
	return c
}

// stranger buys a batch in the same workspace.
func (u *untagged) stranger(n int) { u.foreign = u.buy("somebody-else", n) }

// buy buys a batch whose rows are named after the tag.
func (u *untagged) buy(tag string, n int) sink.Handle {
	u.t.Helper()
	spec := sink.Spec{Tag: tag, Endpoint: "/v1/chat/completions", Model: "gpt-test"}
	rows := func(yield func(sink.Row, error) bool) {
		for i := range n {
			id := fmt.Sprintf("%s_%043d", tag, i)
			if !yield(sink.Row{ID: id, Body: []byte(`{"model":"gpt-test","messages":[{"role":"user","content":"x"}]}`)}, nil) {
				return
			}
		}
	}
	client := u.pipe()
	file, err := client.Upload(u.t.Context(), spec, rows)
	if err != nil {
		u.t.Fatal(err)
	}
	batch, err := client.Create(u.t.Context(), spec, file, rows)
	if err != nil {
		u.t.Fatal(err)
	}
	return sink.Handle{Batch: batch, File: file}
}

// next makes the next creation fail that way.
func (u *untagged) next(action simulator.Action) {
	u.t.Helper()
	if err := u.server.SetFaults(simulator.Fault{Route: creation, Action: action}); err != nil {
		u.t.Fatal(err)
	}
}

// succeed runs the job and fails unless each row is answered by a batch of ours,
// of which the job has counted one and the provider has these many.
func (u *untagged) succeed(batches int) durable.Report {
	u.t.Helper()
	report := u.mustRun(u.job)
	if report.Succeeded != 5 || report.Batches != 1 {
		u.t.Errorf("report %+v", report)
	}
	for id, r := range u.results() {
		if r.Batch == u.foreign.Batch || r.Attempts != 1 {
			u.t.Errorf("%s: %+v", id, r)
		}
	}
	if u.foreign.Batch != "" {
		batches++
	}
	if n := len(u.server.Batches()); n != batches {
		u.t.Errorf("%d batches at the provider, want %d", n, batches)
	}
	for _, b := range u.server.Batches() {
		if b.Status == "cancelled" || b.Status == "cancelling" {
			u.t.Errorf("batch %s was cancelled", b.ID)
		}
	}
	return report
}

// diary keeps when which message was logged first.
type diary struct {
	start time.Time
	mu    sync.Mutex
	lines []entry
	told  func(message string)
}

type entry struct {
	message string
	at      time.Duration
}

func (d *diary) Enabled(context.Context, slog.Level) bool { return true }
func (d *diary) WithAttrs([]slog.Attr) slog.Handler       { return d }
func (d *diary) WithGroup(string) slog.Handler            { return d }

func (d *diary) Handle(_ context.Context, r slog.Record) error {
	d.mu.Lock()
	d.lines = append(d.lines, entry{r.Message, r.Time.Sub(d.start)})
	told := d.told
	d.mu.Unlock()
	if told != nil {
		told(r.Message)
	}
	return nil
}

// when is the time of the first message that contains the text, 0 if there is
// none.
func (d *diary) when(text string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := slices.IndexFunc(d.lines, func(e entry) bool { return strings.Contains(e.message, text) })
	if n < 0 {
		return 0
	}
	return d.lines[n].at
}

const (
	waiting   = "waiting until the batches have ended"
	found     = "found the batch"
	notFound  = "the batch was not found"
	disowned  = "somebody else's"
	graceOver = durable.DefaultGrace
)

func TestALostCreationIsFoundAmongOthersWhenTheyHaveEnded(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.next(simulator.ResetAfter)
		u.succeed(1)
		if held, when := u.diary.when(waiting), u.diary.when(found); held < graceOver || held > 2*graceOver || when < time.Hour {
			u.t.Errorf("held after %s, found after %s", held, when)
		}
	})
}

// holdAndStop runs the job until it waits for batches that may be its own.
func (u *untagged) holdAndStop() {
	u.t.Helper()
	u.stranger(5)
	u.next(simulator.ResetAfter)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(u.t.Context())
	u.diary.told = func(message string) {
		if strings.Contains(message, waiting) {
			cancel(enough)
		}
	}
	if _, err := u.run(ctx, u.job); !errors.Is(err, enough) {
		u.t.Fatalf("error %v", err)
	}
}

// The process that waits may end, and another go on.
func TestAHeldBatchSurvivesARestart(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.holdAndStop()
		u.job = u.fresh()
		u.succeed(1)
	})
}

func TestAForeignBatchIsExcludedWhenItHasEnded(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.stranger(5)
		u.next(simulator.Reset)
		u.succeed(1)
		if held, again := u.diary.when(waiting), u.diary.when(notFound); held < graceOver || again < time.Hour {
			u.t.Errorf("held after %s, sent again after %s", held, again)
		}
	})
}

func TestNobodyElsesBatchIsAdoptedEarly(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.next(simulator.ResetAfter)
		u.succeed(1)
		if when := u.diary.when(found); when < graceOver || when > 2*graceOver {
			u.t.Errorf("found after %s", when)
		}
	})
}

// Neither a batch of ours, nor one of another size, nor one of another time may
// be the one that is looked for.
func TestOnlyBatchesOfItsSizeAndTimeMayBeIt(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.write("in.jsonl", tickets(10)...)
		u.stranger(5)
		time.Sleep(20 * time.Minute) //nolint:forbidigo // fake time
		u.stranger(4)
		u.next(simulator.ResetAfter)
		report := u.mustRun(u.job)
		if report.Batches != 2 || report.Succeeded != 10 || len(u.server.Batches()) != 4 {
			u.t.Errorf("report %+v, %d batches at the provider", report, len(u.server.Batches()))
		}
		if when := u.diary.when(found); when < graceOver || when > 20*time.Minute+2*graceOver {
			u.t.Errorf("found after %s", when)
		}
	})
}

// A workspace that is not exclusive after all costs time.
func TestABatchAdoptedWronglyIsGivenBack(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.ExclusiveWorkspace = true
		u.stranger(5)
		u.next(simulator.Reset)
		u.succeed(1)
		if when, back := u.diary.when(found), u.diary.when(disowned); when > 2*graceOver || back < time.Hour {
			u.t.Errorf("found after %s, given back after %s", when, back)
		}
	})
}

func TestPolicyResubmitPaysTwiceAndSaysSo(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.Unclear = durable.UnclearResubmit
		u.stranger(5)
		u.next(simulator.ResetAfter)
		report := u.succeed(2)
		if again := u.diary.when(notFound); report.Surplus != 1 || report.Suspects != 0 || again > 2*graceOver {
			u.t.Errorf("report %+v, sent again after %s", report, again)
		}
	})
}

func TestPolicyFailBuysNothingMore(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.Unclear = durable.UnclearFail
		u.stranger(5)
		u.next(simulator.ResetAfter)
		report := u.mustRun(u.job)
		if report.Failed != 5 || report.Batches != 0 || report.Suspects != 2 || report.Elapsed > time.Hour {
			u.t.Errorf("report %+v", report)
		}
		for id, r := range u.results() {
			if r.Error == nil || r.Error.Code != "creation_unclear" || r.Batch != "" {
				u.t.Errorf("%s: %+v", id, r)
			}
		}
		if n := len(u.server.Batches()); n != 2 {
			u.t.Errorf("%d batches at the provider", n)
		}
	})
}

// mute is a provider that can neither find nor list.
type mute struct{ sink.Provider }

func TestABatchThatCannotBeLookedForStopsTheJob(t *testing.T) {
	withoutTags(t, func(u *untagged) {
		u.job.Provider = mute{u.job.Provider}
		u.next(simulator.ResetAfter)
		if _, err := u.run(u.t.Context(), u.job); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "cannot be looked for") {
			u.t.Errorf("error %v", err)
		}
		u.job = u.fresh()
		u.succeed(1)
	})
}

func TestUnknownPolicyIsRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(1)...)
	job := w.job()
	job.Unclear = "hope"
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	job.Store, job.Output = store, durable.Each(func(context.Context, durable.Result) error { return nil })
	if _, err := durable.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `Job.Unclear is "hope"`) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(w.path("out.jsonl")); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
