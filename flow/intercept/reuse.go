package intercept

import (
	"errors"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// reuses are answers that were given again. The first call that gets an answer
// has paid for it, and the others have saved its price.
type reuses struct {
	mu    sync.Mutex
	all   durable.Reuse // of this process
	left  map[*account]durable.Reuse
	dirty chan struct{} // of capacity 1: full while something is left
}

// priceOf is the list price of an answer, zero and false if it is not known.
// Failures cost nothing.
func priceOf(r *durable.Result, failed bool) listPrice {
	switch {
	case failed:
		return listPrice{known: true}
	case r.List == nil:
		return listPrice{}
	}
	return listPrice{*r.List, true}
}

// times is what so many calls have saved that got an answer.
func (p listPrice) times(hits, shared int, now time.Time) durable.Reuse {
	r := durable.Reuse{Hits: hits, Shared: shared, Since: now}
	if p.known {
		r.Saved = p.amount.Times(hits + shared)
	} else {
		r.Unpriced = hits + shared
	}
	return r
}

// add counts answers of an account that were given again.
func (u *reuses) add(a *account, r durable.Reuse) {
	if r.Calls() == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all, u.left[a] = u.all.Add(r), u.left[a].Add(r)
	select {
	case u.dirty <- struct{}{}:
	default:
	}
}

func (u *reuses) total() durable.Reuse {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.all
}

func (u *reuses) take() map[*account]durable.Reuse {
	u.mu.Lock()
	defer u.mu.Unlock()
	left := u.left
	u.left = make(map[*account]durable.Reuse)
	return left
}

// keepEvery is how often counts are kept, at most.
const keepEvery = time.Second

// keepReuses keeps the counts with the runs of their accounts, until the
// Interceptor is closed.
func (i *Interceptor) keepReuses() {
	tick := time.NewTimer(0)
	defer tick.Stop()
	<-tick.C
	for {
		select {
		case <-i.reuses.dirty:
		case <-i.ctx.Done():
			return
		}
		tick.Reset(keepEvery)
		select {
		case <-tick.C:
		case <-i.ctx.Done():
			return // Close keeps the rest
		}
		i.keepReusesNow()
	}
}

func (i *Interceptor) keepReusesNow() {
	for a, r := range i.reuses.take() {
		if err := a.keepReuse(r); err != nil {
			i.log.Warn("answers that were given again are not counted", "account", a.name, "error", err)
		}
	}
}

// keepReuse adds counts to those of the account's last run. One that was removed
// has none.
func (a *account) keepReuse(r durable.Reuse) error {
	h, err := a.lastRun()
	if err != nil || h == nil {
		return err
	}
	sum, err := h.AddReuse(r)
	if observe := a.owner.cfg.Observe; err == nil && observe != nil {
		observe(durable.Event{V: durable.EventVersion, At: time.Now(), Job: h.Name(), Reuse: &sum})
	}
	return err
}

// lastRun returns the run of the account that was begun last, nil if none was.
func (a *account) lastRun() (last *durable.Handle, err error) {
	for n := 1; ; n++ {
		h, err := a.owner.cfg.Dir.Attach(a.nthName(n))
		if errors.Is(err, durable.ErrNoRun) {
			return last, nil
		} else if err != nil {
			return nil, err
		}
		last = h
	}
}
