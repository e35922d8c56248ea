package intercept_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/sink/llm/price"
)

// priced is a chat with a model whose price is known.
func priced(text string) string { return strings.Replace(chat(text), "gpt-test", "gpt-4.1-mini", 1) }

// reuse returns what the only run shows of answers that were given again, and
// the list price of its rows.
func (w *world) reuse() (r durable.Reuse, list price.Money) {
	w.Helper()
	runs, err := w.config.Dir.Runs()
	if err != nil || len(runs) != 1 {
		w.Fatalf("%+v, %v", runs, err)
	}
	if runs[0].Reuse != nil {
		r = *runs[0].Reuse
	}
	return r, runs[0].Spending.List
}

func (w *world) wantReuse(hits, shared, rows int) {
	w.Helper()
	r, list := w.reuse()
	if want := list.Times(hits+shared) / price.Money(rows); r.Hits != hits || r.Shared != shared || r.Saved != want || r.Unpriced > 0 || list == 0 || r.Since.IsZero() != (hits+shared == 0) {
		w.Errorf("%+v, want %d hits and %d shared, and %s saved", r, hits, shared, want)
	}
}

// What is answered again is counted with what it saves, in the status of its
// run, whichever process has done it.
func TestAnswersThatAreGivenAgainAreCounted(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		ask := func(i *intercept.Interceptor, callers int) {
			w.Helper()
			var calls sync.WaitGroup
			for range callers {
				calls.Go(func() {
					if got := post(w.Context(), i, chats, priced("one")); got.status != 200 {
						w.Errorf("%+v", got)
					}
				})
			}
			calls.Wait()
			time.Sleep(2 * time.Second)
		}
		var events []durable.Reuse
		i := w.begin(func(c *intercept.Config) {
			c.Observe = func(e durable.Event) {
				if e.Reuse != nil && strings.HasPrefix(e.Job, intercept.JobPrefix) {
					events = append(events, *e.Reuse)
				}
			}
		})
		ask(i, 1)
		w.wantReuse(0, 0, 1)
		ask(i, 2)
		w.wantReuse(2, 0, 1)
		for range 2 { // a failure costs nothing, and saves nothing
			if got := post(w.Context(), i, chats, chat("[[400]]")); got.status != 400 {
				w.Errorf("%+v", got)
			}
		}
		w.close(i)
		if got, list := w.reuse(); got.Hits != 3 || got.Saved != 2*list {
			w.Errorf("%+v", got)
		}
		i = w.begin()
		ask(i, 3)
		if got, list := w.reuse(); got.Hits != 6 || got.Saved != 5*list {
			w.Errorf("after a restart: %+v", got)
		}
		if s := i.Stats(); s.Reuse.Hits != 3 || !strings.Contains(s.String(), "3 answers given again, which has saved $") {
			w.Errorf("%s", s)
		}
		w.close(i)
		if len(events) != 2 || events[0].Hits != 2 || events[1].Hits != 3 {
			w.Errorf("%+v", events)
		}
	})
}

// Calls that wait for one row have paid for it once.
func TestCallsThatShareARowAreCounted(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.Least = -1 })
		var calls sync.WaitGroup
		for n := range 4 {
			calls.Go(func() {
				ctx, cancel := w.Context(), context.CancelFunc(func() {})
				if n == 0 { // it goes away, and saves nothing
					ctx, cancel = context.WithTimeout(ctx, time.Minute)
				}
				defer cancel()
				if got := post(ctx, i, chats, priced("one")); got.status != 200 && !errors.Is(got.err, context.DeadlineExceeded) {
					w.Errorf("%+v", got)
				}
			})
		}
		calls.Wait()
		w.close(i)
		w.wantReuse(0, 2, 1)
	})
}

// A call that is made again because its program could not wait has saved
// nothing when it gets its answer: that was bought for it.
func TestACallThatIsMadeAgainSavesNothing(t *testing.T) {
	for name, restart := range map[string]bool{"in one process": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				i := w.begin(func(c *intercept.Config) { c.Least = -1 })
				ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
				defer cancel()
				if got := post(ctx, i, chats, priced("one")); !errors.Is(got.err, context.DeadlineExceeded) {
					w.Fatalf("%+v", got)
				}
				time.Sleep(time.Hour)
				for hits := range 3 {
					if restart {
						w.close(i)
						i = w.begin()
					}
					if got := post(w.Context(), i, chats, priced("one")); got.status != 200 || got.header.Get("X-Baler-Hit") != "true" {
						w.Errorf("%+v", got)
					}
					time.Sleep(2 * time.Second)
					w.wantReuse(hits, 0, 1)
				}
				w.close(i)
			})
		})
	}
}
