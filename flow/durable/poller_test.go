package durable

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// driven is a poller under test.
type driven struct {
	*poller
	t *testing.T
}

// polling runs a test with a poller under fake time.
func polling(t *testing.T, limit ratelimit.Config, test func(driven)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p, err := newPoller(limit)
		if err != nil {
			t.Fatal(err)
		}
		stop := p.start(t.Context())
		test(driven{p, t})
		stop()
	})
}

func TestTurnsComeWhenTheyAreDue(t *testing.T) {
	t.Parallel()
	polling(t, ratelimit.Config{}, func(p driven) {
		t := p.t
		var drivers sync.WaitGroup
		for range 500 {
			due := time.Now().Add(rand.N(time.Hour))
			drivers.Go(func() {
				err := p.wait(t.Context(), due)
				if err != nil || !time.Now().Equal(due) {
					t.Errorf("due at %s, came at %s: %v", due, time.Now(), err)
					return
				}
				p.done()
			})
		}
		drivers.Wait()
	})
}

// All due at once, they come by the order in which they were due, no faster and
// no more at a time than the limit says.
func TestTurnsAreBounded(t *testing.T) {
	t.Parallel()
	polling(t, ratelimit.Config{Requests: 60, Slots: 3}, func(p driven) {
		t := p.t
		start := time.Now()
		var mu sync.Mutex
		var order []time.Time
		now, most := 0, 0
		var drivers sync.WaitGroup
		for i := range 300 {
			due := start.Add(-time.Duration(i) * time.Second)
			drivers.Go(func() {
				err := p.wait(t.Context(), due)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, due)
				now++
				most = max(most, now)
				mu.Unlock()
				time.Sleep(5 * time.Second)
				mu.Lock()
				now--
				mu.Unlock()
				p.done()
			})
			synctest.Wait()
		}
		drivers.Wait()
		if most != 3 {
			t.Errorf("%d at a time, want 3", most)
		}
		if took := time.Since(start); took < 300/3*5*time.Second || took > 300/3*6*time.Second {
			t.Errorf("it took %s", took)
		}
		for i := 10; i < len(order)-1; i++ { // the first few came before the last were there
			if order[i].After(order[i+1]) {
				t.Fatalf("turn %d was due at %s, the next one at %s", i, order[i], order[i+1])
			}
		}
	})
}

func TestTurnsArePaced(t *testing.T) {
	t.Parallel()
	polling(t, ratelimit.Config{Requests: 60}, func(p driven) {
		t := p.t
		start := time.Now()
		var drivers sync.WaitGroup
		for range 300 {
			drivers.Go(func() {
				if err := p.wait(t.Context(), start); err == nil {
					p.done()
				}
			})
		}
		drivers.Wait()
		if took := time.Since(start); took < 4*time.Minute+50*time.Second || took > 5*time.Minute+10*time.Second {
			t.Errorf("300 turns at 60 a minute took %s", took)
		}
	})
}

// Whoever leaves takes nothing along: not the place of another, nor a part of
// the limit.
func TestDriversThatLeaveTakeNoTurn(t *testing.T) {
	t.Parallel()
	polling(t, ratelimit.Config{Slots: 1}, func(p driven) {
		t := p.t
		enough := errors.New("enough")
		for range 100 {
			ctx, leave := context.WithCancelCause(t.Context())
			due := time.Now().Add(time.Second)
			var drivers sync.WaitGroup
			for range 3 {
				drivers.Go(func() {
					if err := p.wait(ctx, due); err == nil {
						p.done()
					} else if !errors.Is(err, enough) {
						t.Error(err)
					}
				})
			}
			time.AfterFunc(time.Second, func() { leave(enough) }) // just when the turns come
			drivers.Wait()
		}
		err := p.wait(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p.done()
	})
}

func TestAnEarlierTurnOvertakes(t *testing.T) {
	t.Parallel()
	polling(t, ratelimit.Config{}, func(p driven) {
		t := p.t
		start := time.Now()
		var late sync.WaitGroup
		late.Go(func() {
			if err := p.wait(t.Context(), start.Add(time.Hour)); err == nil {
				p.done()
			}
		})
		synctest.Wait()
		err := p.wait(t.Context(), start.Add(time.Minute))
		if err != nil || time.Since(start) != time.Minute {
			t.Fatalf("after %s: %v", time.Since(start), err)
		}
		p.done()
		late.Wait()
		if took := time.Since(start); took != time.Hour {
			t.Errorf("the later one came after %s", took)
		}
	})
}
