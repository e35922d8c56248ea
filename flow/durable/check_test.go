package durable_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// stubborn answers "no" to the first asks of a ticket, and then "yes". It
// counts the turns of each request.
type stubborn struct {
	mu    sync.Mutex
	asks  int
	turns map[int]int // requests by their number of messages
	last  []llm.Message
}

func (s *stubborn) answer(r simulator.Row) simulator.Reply {
	var body struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		return simulator.Reply{Text: err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns == nil {
		s.turns = make(map[int]int)
	}
	s.turns[len(body.Messages)]++
	if len(body.Messages) <= 2*s.asks-1 {
		return simulator.Reply{Text: "no"}
	}
	s.last = nil
	for _, m := range body.Messages {
		s.last = append(s.last, llm.Message{Role: llm.Role(m.Role), Text: m.Content})
	}
	return simulator.Reply{Text: "yes"}
}

func wantYes(_ string, r llm.Reply) error {
	if r.Text != "yes" {
		return errors.New("say yes")
	}
	return nil
}

// An answer that fails the check is asked for again, in the same conversation.
func TestAnAnswerThatFailsTheCheckIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := &stubborn{asks: 2}
	w := durabletest.New(t, simulator.Config{Answer: s.answer})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	job := unguarded(w.Job())
	job.Check, job.Reasks = wantYes, 2
	job.Batch.MaxItems = 5
	if _, err := w.StopAfter(0, job); !errors.Is(err, durabletest.ErrEnough) {
		t.Fatal(err)
	}
	report := w.MustRun(job)
	if report.Succeeded != 20 || report.Failed != 0 || s.turns[1] != 20 || s.turns[3] != 20 || s.turns[5] != 20 {
		t.Errorf("report %+v, turns %v", report, s.turns)
	}
	if l := s.last; len(l) != 5 || l[1].Role != llm.RoleAssistant || l[1].Text != "no" || !strings.Contains(l[2].Text, "say yes") {
		t.Errorf("the last conversation: %+v", l)
	}
	usage := llm.Usage{}
	for _, r := range w.Results() {
		if r.Attempts != 3 || r.Text != "yes" {
			t.Fatalf("result %+v", r)
		}
		usage = usage.Add(*r.Usage)
	}
	if report.Usage.Output <= usage.Output {
		t.Errorf("the usage %+v is that of the last answers alone, %+v", report.Usage, usage)
	}
}

// Once it was asked often enough, an item fails with its answer, wherever the
// result is read.
func TestAnItemThatIsNeverRightFails(t *testing.T) {
	t.Parallel()
	for reasks, asked := range map[int]int{-1: 1, 0: 2, 2: 3} {
		s := &stubborn{asks: 9}
		w := durabletest.New(t, simulator.Config{Answer: s.answer})
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		job := unguarded(w.Job())
		job.Check, job.Reasks = wantYes, reasks
		report := w.MustRun(job)
		if report.Failed != 10 || report.Failures[sink.CodeInvalidAnswer] != 10 || w.Billed() != 10*asked {
			t.Errorf("%d reasks: report %+v, %d answers", reasks, report, w.Billed())
		}
		for id, r := range w.Results() {
			if r.Status != durable.ItemFailed || r.Error.Code != sink.CodeInvalidAnswer || r.Error.Message != "say yes" || r.Text != "no" || len(r.Response) == 0 {
				t.Errorf("%s: %+v", id, r)
			}
		}
		for _, ordered := range []bool{false, true} {
			got, _ := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec, Ordered: ordered, Status: durable.ItemFailed}))
			if want := slices.Sorted(slices.Values(w.Lines())); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
				t.Errorf("ordered %t: the archive has %v, the output %v", ordered, got, want)
			}
		}
		if again := w.MustRun(job); again.Failed != 10 || w.Billed() != 10*asked {
			t.Errorf("again: %+v, %d answers", again, w.Billed())
		}
	}
}

// An answer of another job counts only if it passes the check of this one.
func TestTheCheckHoldsForAnswersOfOtherJobs(t *testing.T) {
	t.Parallel()
	s := &stubborn{asks: 1}
	w := durabletest.New(t, simulator.Config{Answer: s.answer})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(10)...)
	s.asks = 0
	job := w.Job()
	job.Check = wantYes
	report, got := w.MustRunAs("two", job, durabletest.Others(0, 10)...)
	if report.FromCache != 0 || report.CacheGone != 0 || report.Succeeded != 10 || got["u-3"].Text != "yes" {
		t.Errorf("report %+v", report)
	}
}

// An item is never sent more often than MaxAttempts says.
func TestReasksKeepToTheAttempts(t *testing.T) {
	t.Parallel()
	s := &stubborn{asks: 9}
	w := durabletest.New(t, simulator.Config{Answer: s.answer})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	job := unguarded(w.Job())
	job.Check, job.Reasks, job.MaxAttempts = wantYes, 5, 2
	if report := w.MustRun(job); report.Failed != 10 || w.Billed() != 20 {
		t.Errorf("report %+v, %d answers", report, w.Billed())
	}
}

// balky is a codec that does not take a chat any more which it took before.
type balky struct {
	llm.Codec
	refuses *atomic.Bool
}

func (b balky) Encode(model string, chat llm.Chat) (json.RawMessage, error) {
	if b.refuses.Load() && strings.HasSuffix(chat.Messages[0].Text, "number 7") {
		return nil, errors.New("seven is not spoken here")
	}
	return b.Codec.Encode(model, chat)
}

type withCodec struct {
	sink.Provider
	codec llm.Codec
}

func (p withCodec) Info() sink.Info {
	info := p.Provider.Info()
	info.Codec = p.codec
	return info
}

// A request that cannot be encoded when its batch is uploaded ends the run, and
// fails no row: nothing was bought.
func TestARequestThatCannotBeEncodedFailsNoRow(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	job := w.Job()
	codec := balky{w.Provider.Info().Codec, new(atomic.Bool)}
	codec.refuses.Store(true)
	job.Provider = withCodec{w.Provider, codec}
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "line 8: seven is not spoken here") {
		t.Errorf("error %v", err)
	}
	if n := len(w.Server.Batches()); n != 0 || w.Billed() != 0 {
		t.Errorf("%d batches, %d answers", n, w.Billed())
	}
	codec.refuses.Store(false)
	if report := w.MustRun(job); report.Succeeded != 10 || report.Failed != 0 {
		t.Errorf("report %+v", report)
	}
}
