package durable

import (
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
)

// followers gives items the results of the identical items that they follow. It
// looks for such results in passes over the followers that wait. One goroutine
// of the packer at a time uses it.
type followers struct {
	*config
	*jobdir.Dir
	batches     *batches
	openBatches *openBatches
	cache       *cache

	pass *pass          // under way
	sent map[asked]bool // in the place of an item without a result

	timer *time.Timer // of due

	mu    sync.Mutex
	news  bool      // a pass may find more than the one before
	since time.Time // when there first was news
	over  bool      // the last pass has left nothing to do
}

// asked is what an item asks, and whom.
type asked struct {
	content jobdir.Digest
	route   uint16
}

func askedBy(e *jobdir.Entry) asked { return asked{e.Content, e.Route} }

// note says that a batch was settled or that followers have come.
func (f *followers) note() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.news {
		f.news, f.since = true, time.Now()
	}
	f.over = false
}

// due begins a pass if there has been news for long enough. Otherwise it
// returns what to wait for, nil if there is no news.
func (f *followers) due() (begun bool, later <-chan time.Time) {
	if !f.batches.ready.Following() {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.news {
		return false, nil
	}
	if rest := time.Until(f.since.Add(f.batch.MaxWait)); rest > 0 && !f.samples {
		f.timer.Reset(rest)
		return false, f.timer.C
	}
	f.news, f.pass = false, new(pass)
	return true, nil
}

// last begins a pass in which items are sent whose answer nothing can bring any
// more. All other rows must be settled, or in batches that wait for a person.
// It returns false if such a pass has left nothing to do.
func (f *followers) last() bool {
	if f.nothingLeft() {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.news, f.pass = false, &pass{last: true, chosen: make(map[asked]bool)}
	return true
}

// nothingLeft reports whether no follower waits, except for batches that wait
// for a person.
func (f *followers) nothingLeft() bool {
	if !f.batches.ready.Following() {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

// load returns the next followers of the pass that leave the ready log: those
// with an answer and those that are sent. It returns none when the pass is
// over, or none is under way.
func (f *followers) load() ([]jobdir.Entry, error) {
	for f.pass != nil {
		more, err := f.next()
		if err != nil {
			return nil, err
		}
		if !more {
			f.end()
			return nil, nil
		}
		entries, err := f.take()
		if err != nil || len(entries) > 0 {
			return entries, err
		}
	}
	return nil, nil
}

// end ends the pass.
func (f *followers) end() {
	p := f.pass
	f.pass = nil
	if !p.last {
		return
	}
	if f.sent == nil {
		f.sent = make(map[asked]bool)
	}
	for k := range p.chosen {
		f.sent[k] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = !f.news
}

// take takes the next followers that leave.
func (f *followers) take() (leaving []jobdir.Entry, err error) {
	p := f.pass
	entries, next, err := f.batches.ready.Followers(p.at, p.until, ready.LoadChunk)
	if err != nil {
		return nil, err
	}
	if p.at = next; len(entries) == 0 {
		p.at = p.until
		return nil, nil
	}
	if err := f.batches.routes.choose(entries); err != nil {
		return nil, err
	}
	for i := range entries {
		entries[i].Hit = p.answers[askedBy(&entries[i])].Hit
	}
	if err := f.cache.mark(entries, f.batches.routes.get); err != nil {
		return nil, err
	}
	for i := range entries {
		if e := &entries[i]; e.Hit != nil || f.isSent(askedBy(e)) {
			leaving = append(leaving, *e)
		}
	}
	f.batches.ready.Take(leaving)
	return leaving, nil
}

// isSent reports whether a follower without an answer is sent. Of those that
// ask the same, one is sent first, and the others in a later pass if that one
// gets no answer either.
func (f *followers) isSent(k asked) bool {
	p := f.pass
	switch {
	case f.samples:
		return true
	case !p.last || p.open[k] || p.chosen[k]:
		return false
	}
	if !f.sent[k] {
		p.chosen[k] = true
	}
	return true
}
