package live_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/simulator"
)

// slowly answers each row after ten seconds.
func slowly(r simulator.Row) simulator.Reply {
	time.Sleep(10 * time.Second)
	return simulator.Echo(r)
}

// then yields n rows, and calls f after those.
func then(n int, f func()) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for row, err := range rows(n, chat("hello")) {
			if !yield(row, err) {
				return
			}
		}
		f()
	}
}

// holds requires these batches, or parts of them, to be on disk.
func (w *world) holds(tags ...string) {
	w.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.Fatal(err)
	}
	names := make(map[string]bool)
	for _, e := range entries {
		names[e.Name()] = true
	}
	for _, tag := range tags {
		if !names[tag] {
			w.Errorf("no %s on disk", tag)
		}
	}
	if len(entries) != len(tags)+1 { // the lock
		w.Errorf("%v on disk", names)
	}
}

// askedOnce requires n rows to have been asked, none twice.
func (w *world) askedOnce(n int) {
	w.Helper()
	asked := w.asked()
	for id, bill := range asked {
		if bill.Executed != 1 {
			w.Errorf("%s was asked %d times", id, bill.Executed)
		}
	}
	if len(asked) != n {
		w.Errorf("%d rows were asked", len(asked))
	}
}

// A batch that is on disk begins whenever somebody asks about it. So Create
// must not say that there is none, whatever keeps it from beginning.
func TestABatchOnDiskIsCreated(t *testing.T) {
	t.Run("context ends", func(t *testing.T) {
		bubble(t, simulator.Config{}, func(w *world) {
			p := w.open(live.Config{})
			ctx, cancel := context.WithCancel(w.Context())
			batch, err := p.Create(ctx, spec("tag"), "", then(5, cancel))
			if batch != "tag" || err != nil {
				t.Fatalf("created %q, %v", batch, err)
			}
			w.await(p, sink.Handle{Batch: batch})
			w.askedOnce(5)
		})
	})
	t.Run("does not go on", func(t *testing.T) {
		bubble(t, simulator.Config{Answer: slowly}, func(w *world) {
			p := w.open(live.Config{Rate: limited(1)})
			h := w.begin(p, "tag", 5, chat("hello"))
			time.Sleep(5 * time.Second)
			closeAll(w.T, p)
			path := filepath.Join(w.dir, "tag", "rows")
			whole, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, whole[:len(whole)-5], 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			p = w.open(live.Config{Rate: limited(1)})
			if batch, err := p.Create(w.Context(), spec("tag"), "", rows(5, chat("hello"))); batch != "tag" || err != nil {
				t.Errorf("created %q, %v", batch, err)
			}
			if _, err := p.Status(w.Context(), h); retry.ClassOf(err) != retry.Blocked {
				t.Errorf("status: %v", err)
			}
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			w.await(p, h)
			w.askedOnce(5)
		})
	})
	t.Run("cannot be read", func(t *testing.T) {
		bubble(t, simulator.Config{}, func(w *world) {
			if err := os.MkdirAll(filepath.Join(w.dir, "tag", "calls"), 0o700); err != nil {
				t.Fatal(err)
			}
			p := w.open(live.Config{})
			if _, err := p.Create(w.Context(), spec("tag"), "", rows(5, chat("hello"))); retry.ClassOf(err) != retry.Ambiguous {
				t.Errorf("create: %v", err)
			}
			w.holds("tag")
		})
	})
}

// After any error but an Ambiguous one there is no batch, and nothing of it on
// disk.
func TestACreationThatFailsLeavesNothing(t *testing.T) {
	bad := retry.Mark(errors.New("bad rows"), retry.Permanent)
	for name, c := range map[string]struct {
		rows func(w *world, cancel func()) sink.Rows
		want retry.Class
	}{
		"context ends": {func(_ *world, cancel func()) sink.Rows {
			return func(yield func(sink.Row, error) bool) {
				for row, err := range rows(5, chat("hello")) {
					if !yield(row, err) {
						return
					}
					cancel()
				}
			}
		}, retry.Retryable},
		"no log": {func(w *world, _ func()) sink.Rows {
			return then(5, func() {
				if err := os.Mkdir(filepath.Join(w.dir, "tag", "calls"), 0o700); err != nil {
					w.Error(err)
				}
			})
		}, retry.Blocked},
		"no rows file": {func(w *world, _ func()) sink.Rows {
			return then(5, func() {
				if err := os.MkdirAll(filepath.Join(w.dir, "tag", "rows", "x"), 0o700); err != nil {
					w.Error(err)
				}
			})
		}, retry.Blocked},
		"bad rows": {func(*world, func()) sink.Rows {
			return func(yield func(sink.Row, error) bool) { yield(sink.Row{}, bad) }
		}, retry.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{}, func(w *world) {
				p := w.open(live.Config{})
				ctx, cancel := context.WithCancel(w.Context())
				defer cancel()
				if _, err := p.Create(ctx, spec("tag"), "", c.rows(w, cancel)); retry.ClassOf(err) != c.want {
					t.Errorf("create: %v", err)
				}
				w.holds()
				w.await(p, w.begin(p, "tag", 5, chat("hello")))
				w.askedOnce(5)
			})
		})
	}
}

// An append that failed may have reached the disk all the same.
func TestAFailedFirstLineIsUndone(t *testing.T) {
	bubble(t, simulator.Config{Answer: slowly}, func(w *world) {
		p := w.open(live.Config{Rate: limited(1)})
		h := w.begin(p, "tag", 5, chat("hello"))
		full := retry.Mark(errors.New("disk full"), retry.Blocked)
		if err := p.Undo("tag", full); retry.ClassOf(err) != retry.Ambiguous {
			t.Errorf("undone while it was running: %v", err)
		}
		w.holds("tag")
		closeAll(w.T, p)
		p = w.open(live.Config{Rate: limited(1)})
		if err := p.Undo("tag", full); !errors.Is(err, full) || retry.ClassOf(err) != retry.Blocked {
			t.Errorf("undone: %v", err)
		}
		w.holds()
		if _, err := p.Status(w.Context(), h); retry.ClassOf(err) != retry.Permanent {
			t.Errorf("status: %v", err)
		}
	})
}

// Nobody writes to the directory once Close has unlocked it.
func TestCloseWaitsForACreation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Config{})
	p := w.open(live.Config{})
	var creating atomic.Bool
	var closing sync.WaitGroup
	_, err := p.Create(t.Context(), spec("tag"), "", func(yield func(sink.Row, error) bool) {
		creating.Store(true)
		closing.Go(func() {
			closeAll(t, p)
			if creating.Load() {
				t.Error("closed during a creation")
			}
		})
		for p.Check(t.Context()) == nil { // until Close has begun
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
		more := yield(sink.Row{ID: "row", Body: chat("hello")}, nil)
		creating.Store(false)
		if more {
			t.Error("more rows are wanted after Close")
		}
	})
	closing.Wait()
	if retry.ClassOf(err) != retry.Retryable {
		t.Errorf("create: %v", err)
	}
	w.holds()
}

// What ends a batch that no worker has asks none of its rows.
func TestABatchAtRestIsEndedWithoutACall(t *testing.T) {
	for name, end := range map[string]func(*world, *live.Provider, sink.Handle){
		"cancel": func(w *world, p *live.Provider, h sink.Handle) {
			if err := p.Cancel(w.Context(), h); err != nil {
				w.Error(err)
			}
			closeAll(w.T, p)
			p = w.open(live.Config{Rate: limited(4)})
			if s := w.await(p, h); s.Succeeded != 4 || s.NotRun != 496 || s.Phase != "cancelled" {
				w.Errorf("%+v", s)
			}
			w.holds("tag")
		},
		"remove": func(w *world, p *live.Provider, h sink.Handle) {
			if err := p.Remove(w.Context(), h); err != nil {
				w.Error(err)
			}
			w.holds()
			if found, err := p.Find(w.Context(), "tag", time.Time{}); len(found) > 0 || err != nil {
				w.Errorf("found %q, %v", found, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, simulator.Config{Answer: slowly}, func(w *world) {
				p := w.open(live.Config{Rate: limited(4)})
				h := w.begin(p, "tag", 500, chat("hello"))
				time.Sleep(5 * time.Second)
				closeAll(w.T, p)                            // four rows are answered
				p = w.open(live.Config{Rate: limited(400)}) // so many workers are not all slower than the end
				end(w, p, h)
				time.Sleep(time.Minute)
				w.askedOnce(4)
			})
		})
	}
}

// A removal whose context ends has cancelled the batch all the same, and the
// next one goes on.
func TestARemovalThatIsInterruptedCancels(t *testing.T) {
	bubble(t, simulator.Config{Answer: slowly}, func(w *world) {
		p := w.open(live.Config{Rate: limited(2)})
		h := w.begin(p, "tag", 10, chat("hello"))
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if err := p.Remove(ctx, h); retry.ClassOf(err) != retry.Retryable {
			t.Errorf("remove: %v", err)
		}
		time.Sleep(time.Minute)
		if s, err := p.Status(w.Context(), h); err != nil || !s.Ended || s.Phase != "cancelled" || s.NotRun != 8 {
			t.Errorf("%+v, %v", s, err)
		}
		if err := p.Remove(w.Context(), h); err != nil {
			t.Error(err)
		}
		w.holds()
	})
}

// A process may end while it removes a batch. The rows that stay are no batch,
// and go with the next removal.
func TestTheRestOfARemovalIsRemoved(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{})
		h := w.begin(p, "tag", 5, chat("hello"))
		w.await(p, h)
		closeAll(w.T, p)
		if err := os.Remove(filepath.Join(w.dir, "tag", "calls")); err != nil {
			t.Fatal(err)
		}
		p = w.open(live.Config{})
		if err := p.Remove(w.Context(), h); err != nil {
			t.Error(err)
		}
		w.holds()
	})
}

// When the disk is full, no call is made that could not be noted. Those under
// way are unclear after a restart, and are never made again.
func TestAFullDisk(t *testing.T) {
	bubble(t, simulator.Config{Answer: slowly}, func(w *world) {
		p := w.open(live.Config{Rate: limited(3)})
		h := w.begin(p, "tag", 10, chat("hello"))
		time.Sleep(15 * time.Second) // three rows are answered, three are under way
		if err := p.BreakDisk("tag"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.Cancel(w.Context(), h); retry.ClassOf(err) != retry.Blocked {
				t.Errorf("cancel: %v", err)
			}
			if s, err := p.Status(w.Context(), h); s.Ended || retry.ClassOf(err) != retry.Blocked {
				t.Errorf("%+v, %v", s, err)
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		w.askedOnce(6)
		closeAll(w.T, p)
		p = w.open(live.Config{Rate: limited(3)})
		if s := w.await(p, h); s.Succeeded != 7 || s.Failed != 3 {
			t.Errorf("%+v", s)
		}
		w.askedOnce(10)
		unclear := 0
		for _, o := range w.outcomes(p, h) {
			if o.Err != nil && o.Err.Class == retry.Ambiguous && o.Err.Code == live.CodeUnclear {
				unclear++
			}
		}
		if unclear != 3 {
			t.Errorf("%d rows are unclear", unclear)
		}
	})
}

// A full disk is no reason to keep a batch.
func TestABatchIsRemovedFromAFullDisk(t *testing.T) {
	bubble(t, simulator.Config{Answer: slowly}, func(w *world) {
		p := w.open(live.Config{Rate: limited(3)})
		h := w.begin(p, "tag", 10, chat("hello"))
		time.Sleep(5 * time.Second)
		if err := errors.Join(p.BreakDisk("tag"), p.Remove(w.Context(), h)); err != nil {
			t.Error(err)
		}
		w.holds()
		w.askedOnce(3)
	})
}

// That the context ends, or Close does, says nothing about the batch.
func TestResultsThatAreCutShortComeLater(t *testing.T) {
	bubble(t, simulator.Config{}, func(w *world) {
		p := w.open(live.Config{})
		h := w.begin(p, "tag", 5, chat("hello"))
		w.await(p, h)
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		var last error
		for _, err := range p.Results(ctx, h) {
			cancel()
			last = err
		}
		if retry.ClassOf(last) != retry.Retryable || !errors.Is(last, context.Canceled) {
			t.Errorf("results: %v", last)
		}
		if got := w.outcomes(p, h); len(got) != 5 {
			t.Errorf("%d outcomes", len(got))
		}
	})
}
