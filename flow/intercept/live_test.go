package intercept_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/sink/simulator"
)

// hanging is a provider whose batches take longer than calls can wait.
var hanging = simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Hour, Cancelling: time.Minute}}

// askDue makes n calls at once that are due, and checks that they are answered
// by then.
func (w *world) askDue(via http.RoundTripper, what string, n int, due time.Time) {
	w.Helper()
	var calls sync.WaitGroup
	for k := range n {
		calls.Go(func() {
			text := fmt.Sprint(what, " ", k)
			got := post(w.Context(), via, chats, chat(text), "X-Baler-Deadline", due.UTC().Format(time.RFC3339))
			if errors.Is(got.err, intercept.ErrClosed) {
				return
			}
			if got.status != http.StatusOK || !strings.Contains(got.body, text) {
				w.Errorf("%s: %+v", text, got)
			}
		})
	}
	calls.Wait()
}

// wantOnce checks that so many calls were paid for, each once, and returns how
// many of them live.
func (w *world) wantOnce(calls int) (live int) {
	w.Helper()
	for e, err := range w.server.Executions() {
		if err != nil {
			w.Fatal(err)
		}
		if e.Live {
			live++
		}
	}
	bills, err := simulator.Tally(w.server.Executions(), simulator.AfterTag)
	if err != nil {
		w.Fatal(err)
	}
	for id, b := range bills {
		if b.Billed != 1 {
			w.Errorf("%s was paid for %d times", id, b.Billed)
		}
	}
	if len(bills) != calls {
		w.Errorf("%d calls were paid for, want %d", len(bills), calls)
	}
	return live
}

// A batch that takes too long is cancelled for its calls that are due, which
// keep what it has answered and are asked live otherwise. Calls that can wait
// are in a batch of their own, and stay there.
func TestCallsThatWaitTooLongAreAskedLive(t *testing.T) {
	inWorld(t, hanging, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.LiveWithin = time.Hour })
		began := time.Now()
		var calls sync.WaitGroup
		calls.Go(func() { w.ask(i, 0, 20) })
		w.askDue(i, "due", 20, began.Add(3*time.Hour))
		if took := time.Since(began); took < 2*time.Hour+30*time.Minute || took > 3*time.Hour {
			w.Errorf("they took %s", took)
		}
		calls.Wait()
		if took := time.Since(began); took > 10*time.Hour+30*time.Minute { // with the pace of polls
			w.Errorf("the others took %s", took)
		}
		live, s := w.wantOnce(40), i.Stats()
		if live == 0 || live >= 20 || len(w.server.Batches()) != 2 || s.Escalated != int64(live) || s.Batches != 2 || !strings.Contains(s.String(), "rows asked live as the deadline came near") {
			w.Errorf("%d live, in %d batches: %s", live, len(w.server.Batches()), s)
		}
		w.close(i)
	})
}

// What was to be asked live is, however often the process ends in between, and
// also by one that asks no others live. Nothing is paid for twice.
func TestCallsAreAskedLiveThroughRestarts(t *testing.T) {
	for _, last := range []time.Duration{time.Hour, 0} {
		inWorld(t, hanging, func(w *world) {
			due := time.Now().Add(3 * time.Hour)
			for n, until := range []time.Duration{time.Hour, 2*time.Hour + 30*time.Minute + 30*time.Second, 2*time.Hour + 31*time.Minute + 10*time.Second, 24 * time.Hour} {
				i := w.begin(func(c *intercept.Config) {
					if c.LiveWithin = time.Hour; n == 3 {
						c.LiveWithin = last
					}
				})
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					w.askDue(i, "due", 20, due)
				}()
				end := time.NewTimer(time.Until(due.Add(until - 3*time.Hour)))
				select {
				case <-ended:
				case <-end.C:
				}
				end.Stop()
				w.close(i)
				<-ended
			}
			if time.Now().After(due) {
				w.Errorf("it took until %s", time.Now())
			}
			if live := w.wantOnce(20); live == 0 {
				w.Error("none was asked live")
			}
		})
	}
}

// A margin that is too short for what a cancelled batch takes is for new calls
// alone, and a run that was begun without one goes on with it.
func TestAMarginThatIsTooShortCancelsNothing(t *testing.T) {
	inWorld(t, hanging, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.LiveWithin = 20 * time.Minute })
		due := time.Now().Add(3 * time.Hour)
		got := post(w.Context(), i, chats, chat("due 0"), "X-Baler-Deadline", due.UTC().Format(time.RFC3339))
		if got.err == nil || !strings.Contains(got.err.Error(), "deadline has passed") || !time.Now().Equal(due) {
			w.Errorf("%+v", got)
		}
		w.close(i)
		i = w.begin(func(c *intercept.Config) { c.LiveWithin = time.Hour })
		w.askDue(i, "due", 1, due.Add(20*time.Hour)) // its row has no deadline
		w.askDue(i, "more", 20, time.Now().Add(3*time.Hour))
		w.close(i)
		if live := w.wantOnce(21); live == 0 {
			w.Error("none was asked live")
		}
	})
}
