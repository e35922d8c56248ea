package intercept

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/retry"
)

// waiting is a call that was not answered yet, and all that ask the same. It
// stays when they go away.
type waiting struct {
	account *account
	id      uint64 // of the row; guarded by Interceptor.mu
	done    chan struct{}
	answer  Answer
	err     error
	callers atomic.Int64 // that wait; grows with Interceptor.mu held
}

// leave says that a caller waits no more.
func (w *waiting) leave() { w.callers.Add(-1) }

func (w *waiting) fail(err error) {
	w.err = err
	close(w.done)
}

func (w *waiting) settle(a Answer) {
	w.answer = a
	close(w.done)
}

// ended is what a call gets that need not wait.
func ended(a Answer, err error) *waiting {
	w := &waiting{done: make(chan struct{}), answer: a, err: err}
	close(w.done)
	return w
}

// begin returns what the call waits for. It does not wait itself, but for the
// first call of an account, and for the disk. What it has begun goes on without
// the caller, as others may have come that ask the same.
func (i *Interceptor) begin(ctx context.Context, c *call) *waiting {
	i.counts.calls.Add(1)
	hash := c.hash(c.account.name)
	if err := i.hurried(ctx, c, hash); err != nil {
		return ended(Answer{}, err) // alone: others may have the time
	}
	w, isNew := i.attach(c.account, hash)
	if !isNew {
		return w
	}
	if !i.enter() {
		i.fail(hash, w, ErrClosed)
		return w
	}
	r := &row{hash: hash, at: time.Now().Unix(), call: c.asRow()}
	if i.cfg.margin() > 0 {
		r.call.deadline = c.due(ctx)
	}
	asked := make(chan struct{})
	go func() { //nolint:contextcheck // the row outlives the call
		defer i.jobs.Done()
		defer close(asked)
		if err := i.answerOrAsk(w, r); err != nil {
			i.fail(hash, w, err)
		}
	}()
	select {
	case <-asked:
	case <-ctx.Done():
	}
	return w
}

// attach returns what calls of the hash wait for.
func (i *Interceptor) attach(a *account, hash callHash) (w *waiting, isNew bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if w, known := i.waiting[hash]; known {
		i.counts.attached.Add(1)
		w.callers.Add(1)
		return w, false
	}
	w = &waiting{account: a, done: make(chan struct{})}
	w.callers.Add(1)
	i.waiting[hash] = w
	return w, true
}

// hurried refuses a call that ends before a batch can have answered it, unless
// its answer is there, or bought.
func (i *Interceptor) hurried(ctx context.Context, c *call, hash callHash) error {
	var err *DeadlineError
	if end, has := ctx.Deadline(); has && time.Until(end) < i.cfg.Least {
		err = &DeadlineError{Left: time.Until(end), hint: "give it a context without a deadline, with anthropic-sdk-go by option.WithRequestTimeout"}
	}
	if left := time.Until(c.deadline); !c.deadline.IsZero() && left <= 0 {
		err = &DeadlineError{Left: left, hint: "its x-baler-deadline has passed already: give it a later one"}
	}
	if err == nil || i.cfg.DryRun {
		return nil
	}
	i.mu.Lock()
	_, waits := i.waiting[hash]
	i.mu.Unlock()
	if _, _, found := i.lookUp(hash); found || waits {
		return nil // it costs nothing
	}
	return err
}

// goesLive reports whether a call passes through because its deadline is near.
func (i *Interceptor) goesLive(ctx context.Context, c *call) bool {
	if i.cfg.LiveWithin == 0 {
		return false
	}
	end := c.due(ctx)
	if left := time.Until(end); end.IsZero() || left <= 0 || left >= i.cfg.LiveWithin {
		return false
	}
	return !i.isBought(c.hash(c.account.name))
}

// isBought reports whether a call costs nothing: its answer is there, or its row
// is on its way.
func (i *Interceptor) isBought(hash callHash) bool {
	i.mu.Lock()
	_, waits := i.waiting[hash]
	i.mu.Unlock()
	if waits {
		return true
	}
	what, known := i.answers.find(hash)
	return known && (!what.settled || i.isFresh(what))
}

// fail ends that a call is waited for.
func (i *Interceptor) fail(hash callHash, w *waiting, err error) {
	if i.take(hash, w) {
		w.fail(err)
	}
}

// answerOrAsk settles a call whose answer is there, and makes a row of another.
func (i *Interceptor) answerOrAsk(w *waiting, r *row) error {
	hash := r.hash
	id, answer, found := i.lookUp(hash)
	for !found {
		i.mu.Lock()
		w.id = id // from now on an answer finds it
		i.mu.Unlock()
		if what, _ := i.answers.find(hash); !what.settled || what.id != id {
			break
		}
		id, answer, found = i.lookUp(hash) // it came meanwhile
	}
	if found {
		if i.take(hash, w) {
			i.counts.hits.Add(1)
			i.planHit()
			i.hit(w, hash, id, answer)
		}
		return nil
	}
	if i.cfg.DryRun {
		return &DryRunError{i.planRow(w.account, r)}
	}
	r.id = id
	for {
		if err := w.account.ensure(); err != nil {
			return err
		}
		if w.account.push(r) {
			return nil
		}
	}
}

// take ends that a call is waited for. It reports whether the caller has to
// close it.
func (i *Interceptor) take(hash callHash, w *waiting) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.waiting[hash] != w {
		return false
	}
	delete(i.waiting, hash)
	return true
}

// hit gives and counts an answer that was there. The first call that gets it has
// paid for it.
func (i *Interceptor) hit(w *waiting, hash callHash, id uint64, a Answer) {
	callers := int(w.callers.Load())
	isFirst := callers > 0 && i.answers.markGiven(hash, id)
	w.settle(a)
	if isFirst {
		callers--
		i.noteGiven([]settled{{hash: hash, id: id, at: time.Now().Unix()}})
	}
	i.reuses.add(w.account, a.list.times(callers, 0, time.Now()))
}

func (i *Interceptor) noteGiven(all []settled) {
	if err := i.answers.give(all); err != nil {
		i.log.Warn("that calls got their answers is not kept", "error", err)
	}
}

// settle gives answers to those who wait for them.
func (i *Interceptor) settle(all []settled) {
	var given []settled
	for k := range all {
		s := &all[k]
		i.mu.Lock()
		w, waits := i.waiting[s.hash]
		if waits = waits && w.id == s.id; waits {
			delete(i.waiting, s.hash)
		}
		i.mu.Unlock()
		if !waits {
			continue
		}
		callers := int(w.callers.Load())
		if callers > 0 && i.answers.markGiven(s.hash, s.id) {
			callers--
			given = append(given, *s)
		}
		i.reuses.add(w.account, s.answer.list.times(0, callers, time.Now()))
		w.settle(s.answer)
	}
	i.noteGiven(given)
}

// failAll ends all calls that wait for an account.
func (i *Interceptor) failAll(a *account, err error) {
	i.mu.Lock()
	var failed []*waiting
	for hash, w := range i.waiting {
		if w.account == a {
			delete(i.waiting, hash)
			failed = append(failed, w)
		}
	}
	i.mu.Unlock()
	for _, w := range failed {
		w.fail(err)
	}
}

// lookUp returns the answer of a call that was asked before, and otherwise the
// id of its row: of the one that waits, if there is one.
func (i *Interceptor) lookUp(hash callHash) (id uint64, a Answer, found bool) {
	what, known := i.answers.find(hash)
	switch {
	case !known:
		return newID(), a, false
	case !what.settled:
		return what.id, a, false
	case !i.isFresh(what):
		return newID(), a, false
	}
	a, err := i.answers.read(what)
	if err != nil {
		i.log.Warn("an answer cannot be read: the call is asked again", "call", hash, "error", err)
		return newID(), a, false
	}
	a.Hit = true
	return what.id, a, true
}

// These are how long failures are answers. The next call after that asks again.
const (
	keepRefusals = time.Hour   // the same request fails again
	keepFailures = time.Minute // for the repetitions of an SDK
)

// isFresh reports whether an answer is young enough.
func (i *Interceptor) isFresh(what asked) bool {
	at := time.Unix(what.at, 0)
	age := time.Since(at)
	switch {
	case i.cfg.Cache < 0 && at.Before(i.began.Truncate(time.Second)):
		return false
	case what.class == retry.Permanent:
		return age < keepRefusals
	case what.class != 0:
		return age < keepFailures
	}
	return i.cfg.Cache < 0 || age < i.cfg.Cache
}

// newID returns the id of a row that is new, also beside those that were lost.
func newID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.BigEndian.Uint64(b[:])
}

// wait waits for the answer of a call.
func (i *Interceptor) wait(ctx context.Context, c *call, w *waiting) (Answer, error) {
	select {
	case <-w.done: // whatever else has ended
		return w.answer, w.err
	default:
	}
	var late <-chan time.Time
	if !c.deadline.IsZero() {
		timer := time.NewTimer(time.Until(c.deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.done:
		return w.answer, w.err
	case <-late:
		w.leave()
		return Answer{}, &DeadlineError{Passed: true}
	case <-ctx.Done():
		w.leave()
		return Answer{}, fmt.Errorf("intercept: the call waits for its batch: %w", context.Cause(ctx))
	}
}
