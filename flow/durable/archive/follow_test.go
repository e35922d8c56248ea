package archive_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// part is an item that was made of an answer.
type part struct{ id, text string }

func (p part) key() string               { return p.id }
func (p part) prompt() (llm.Chat, error) { return llm.Ask(p.text), nil }
func partsOf(n int) func(archive.Result) ([]part, error) {
	return func(r archive.Result) (parts []part, err error) {
		for k := range n {
			parts = append(parts, part{fmt.Sprintf("%s/%d", r.ID, k), fmt.Sprintf("part %d of <%s>", k, r.Text)})
		}
		return parts, nil
	}
}

// torn is an output that fails after so many chunks, before the run records the
// last of them.
type torn struct {
	*durable.File
	left int
}

func (o *torn) Write(ctx context.Context, results []durable.Result) error {
	if err := o.File.Write(ctx, results); err != nil {
		return err
	}
	if o.left--; o.left == 0 {
		return durabletest.ErrDied
	}
	return nil
}

// chain is three runs, each of which lives on the results of the one before.
type chain struct {
	*durabletest.World
	hasty bool // time is real
}

// times sets how long a job waits.
func (c chain) times(job *durable.Job[part]) {
	job.Batch.MaxWait, job.Poll, job.Grace = 20*time.Second, 6*time.Second, time.Minute
	if c.hasty {
		job.Batch.MaxWait, job.Poll, job.Grace = 100*time.Millisecond, 5*time.Millisecond, 300*time.Millisecond
	}
}

const chainParts = 4

// repeats answers with what was asked.
func repeats(r simulator.Row) simulator.Reply {
	var body struct{ Messages []struct{ Content string } }
	_ = json.Unmarshal(r.Body, &body) // as the codec has written it
	return simulator.Reply{Text: "re: " + body.Messages[0].Content}
}

// follows is the job of a stage after the first.
func (c chain) follows(name, before string, parts int) durable.Job[part] {
	query := archive.Query{Codec: c.Provider.Info().Codec}
	job := durable.Job[part]{
		Name: name, Source: source.FanOut(archive.Follow(c.StateDir(), before, query), partsOf(parts)),
		Key: part.key, Prompt: part.prompt, Provider: c.Provider, Model: "gpt-test",
		Batch: durable.BatchLimits{MaxItems: 150}, Log: durabletest.Quiet,
	}
	c.times(&job)
	return job
}

// run runs all stages until ctx is done or one of them dies after so many
// chunks; 0 means never.
func (c chain) run(ctx context.Context, die [3]int) (done bool) {
	c.T.Helper()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	first, like := c.BriskJob(), durable.Job[part]{}
	c.times(&like)
	first.Name, first.Batch.MaxWait, first.Poll, first.Grace = "one", like.Batch.MaxWait, like.Poll, like.Grace
	var handles []*durable.Handle
	var outs []*durable.File
	begin := func(n int, start func(out durable.Output) (*durable.Handle, error)) {
		out, err := durable.Lines(c.Path(fmt.Sprintf("out%d.jsonl", n)))
		if err != nil {
			c.T.Fatal(err)
		}
		h, err := start(&torn{out, die[n]})
		if err != nil {
			c.T.Fatal(err)
		}
		handles, outs = append(handles, h), append(outs, out)
	}
	begin(0, func(out durable.Output) (*durable.Handle, error) {
		first.Dir, first.Output = c.StateDir(), out
		return durable.Start(ctx, first)
	})
	for n, names := range [][2]string{{"two", "one"}, {"three", "two"}} {
		job := c.follows(names[0], names[1], []int{chainParts, 1}[n])
		begin(n+1, func(out durable.Output) (*durable.Handle, error) {
			job.Dir, job.Output = c.StateDir(), out
			return durable.Start(ctx, job)
		})
	}
	done = true
	errs := make(chan error, len(handles))
	for _, h := range handles {
		go func() {
			_, err := h.Wait(context.WithoutCancel(ctx))
			if err != nil {
				stop(err) // the process dies as a whole
			}
			errs <- err
		}()
	}
	for range handles {
		err := <-errs
		done = done && err == nil
		if err != nil && !errors.Is(err, durabletest.ErrDied) && !errors.Is(err, durabletest.ErrEnough) {
			c.T.Fatal(err)
		}
	}
	for _, out := range outs {
		if err := out.Close(); err != nil {
			c.T.Fatal(err)
		}
	}
	return done
}

// results reads the output of a stage by id, each once.
func (c chain) results(stage int) map[string]string {
	c.T.Helper()
	f, err := os.Open(c.Path(fmt.Sprintf("out%d.jsonl", stage)))
	if err != nil {
		c.T.Fatal(err)
	}
	defer f.Close()
	got := make(map[string]string)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r durable.Result
		err := json.Unmarshal(lines.Bytes(), &r)
		if _, twice := got[r.ID]; err != nil || twice || r.Status != durable.ItemSucceeded {
			c.T.Fatalf("%s: %v", lines.Text(), err)
		}
		got[r.ID] = r.Text
	}
	return got
}

// Each answer of a run becomes several items of the next, whose answers become
// items of a third. However often all of them die, each chain is there once and
// paid for once.
func TestRunsLiveOnTheResultsOfRuns(t *testing.T) {
	t.Parallel()
	chainRows, longest := 60, 12_000
	if *chainKills >= 20 {
		chainRows, longest = 500, 16_000
	}
	cfg := simulator.Config{Answer: repeats, Latency: simulator.Latency{Processing: time.Minute}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		c := chain{World: w}
		w.Write("in.jsonl", durabletest.Tickets(chainRows)...)
		random := rand.New(rand.NewPCG(7, 1))
		kills := 0
		for ; kills < 20; kills++ {
			ctx, cancel := context.WithTimeoutCause(w.T.Context(), time.Duration(random.IntN(longest))*time.Millisecond, durabletest.ErrEnough)
			var die [3]int
			if kills%2 == 0 {
				die[random.IntN(3)] = 1 + random.IntN(2)
			}
			done := c.run(ctx, die)
			cancel()
			if done {
				break
			}
		}
		if kills < 20 {
			w.T.Fatalf("the runs have ended after %d kills", kills)
		}
		if !c.run(w.T.Context(), [3]int{}) {
			w.T.Fatal("not done")
		}
		c.wantEach(chainRows)
	})
}

// wantEach fails unless the chain of each row is there once, and paid for once.
func (c chain) wantEach(rows int) {
	c.T.Helper()
	one, two, three := c.results(0), c.results(1), c.results(2)
	if len(one) != rows || len(two) != rows*chainParts || len(three) != len(two) {
		c.T.Errorf("%d, %d and %d results", len(one), len(two), len(three))
	}
	for id, text := range three {
		parent := id[:strings.LastIndexByte(id, '/')]
		origin := parent[:strings.LastIndexByte(parent, '/')]
		if !strings.Contains(text, "part 0 of <"+two[parent]+">") || !strings.Contains(two[parent], "of <"+one[origin]+">") || one[origin] == "" {
			c.T.Fatalf("%s is %q, of %q, of %q", id, text, two[parent], one[origin])
		}
	}
	c.WantBilledOnce(rows + 2*rows*chainParts)
}

func TestARunThatIsNotThereCannotBeFollowed(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	w.MustRun(w.Job())
	for name, query := range map[string]archive.Query{"nobody": {}, "tickets": {Ordered: true}} {
		n := 0
		for _, err := range archive.Follow(w.StateDir(), name, query).Items() {
			if err == nil || name == "nobody" && !errors.Is(err, durable.ErrNoRun) {
				t.Errorf("%s: %v", name, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d items", name, n)
		}
	}
}
