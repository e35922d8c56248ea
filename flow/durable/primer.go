package durable

import (
	"context"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// primer knows which rows share the beginning of their prompts, and when the
// provider's cache has these. It is for the goroutine of the packer's rounds.
// Nothing of it is on disk but what the rows of batches do, in their intents:
// the rest follows from these, their manifests and when they were settled.
type primer struct {
	*config
	*jobdir.Dir
	batches *batches
	cache   *cache

	shared map[sharedPrefix]*primed
	waits  bool // rows that are asked first are under way
}

// sharedPrefix is a beginning that rows of a route have in common.
type sharedPrefix struct {
	prefix uint64
	route  uint16
}

// primed is what is known of the cache of a beginning.
type primed struct {
	asked bool      // an open batch asks with it
	until time.Time // then it is gone; zero if it was not asked
}

func prefixOf(e *jobdir.Entry) sharedPrefix { return sharedPrefix{e.Extra().Prefix, e.Route} }

// life returns for how long the provider of a route caches beginnings, and how
// many tokens these have at least. Zero means that it does not, as far as known.
func (p *primer) life(route int) (life time.Duration, least int) {
	c := p.batches.routes.serviceOf(route).info.PromptCache(p.batches.routes.get(route).Model)
	return c.Life, c.MinTokens
}

// cacheable reports whether the beginning of a row may be cached. It goes to
// its route, unless it has an answer.
func (p *primer) cacheable(e *jobdir.Entry) bool {
	if e.Extra().Prefix == 0 || e.Hit != nil {
		return false
	}
	life, least := p.life(int(e.Route))
	return life > 0 && int(e.Extra().PrefixTokens) >= least
}

// mark says of each entry whether others share its beginning.
func (p *primer) mark(entries []jobdir.Entry) {
	if len(p.shared) == 0 {
		return
	}
	for i := range entries {
		e := &entries[i]
		if s := p.shared[prefixOf(e)]; s != nil && p.cacheable(e) {
			e.Prime, s.asked = intent.ReadsPrefix, true
		}
	}
}

// ended notes that no batch is open: from now on caches grow old.
func (p *primer) ended() {
	p.waits = false
	for key, s := range p.shared {
		if s.asked {
			life, _ := p.life(int(key.route))
			s.asked, s.until = false, p.now().Add(life)
		}
	}
}

func (p *primer) now() time.Time { return time.Now() }

// first takes one row of each beginning that enough rows share, and that no
// cache has.
func (p *primer) first(ctx context.Context) ([]jobdir.Entry, error) {
	if !p.primeCache || !p.batches.ready.Any() {
		return nil, nil
	}
	cold, err := p.cold(ctx)
	if err != nil || len(cold) == 0 {
		return nil, err
	}
	rows, err := p.batches.ready.Pick(func() bool { return len(cold) > 0 && ctx.Err() == nil }, func(e *jobdir.Entry) (bool, error) {
		if e.Extra().Prefix == 0 || e.Follows() {
			return false, nil
		}
		key, ok, err := p.key(e)
		if err != nil || !ok || !cold[key] {
			return false, err
		}
		delete(cold, key)
		p.shared[key].asked, e.Prime = true, intent.WritesPrefix
		return true, nil
	})
	p.waits = p.waits || len(rows) > 0
	return rows, err
}

// cold counts the rows that wait, and returns the beginnings that enough of
// them share and that no cache has.
func (p *primer) cold(ctx context.Context) (map[sharedPrefix]bool, error) {
	counts := make(map[sharedPrefix]int)
	for e, err := range p.batches.ready.Waiting() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if e.Extra().Prefix == 0 || e.Follows() {
			continue
		}
		key, ok, err := p.key(&e)
		if err != nil {
			return nil, err
		}
		if _, known := counts[key]; ok && (known || len(counts) < mostPrefixes) {
			counts[key]++
		}
	}
	cold := make(map[sharedPrefix]bool)
	for key, n := range counts {
		s := p.shared[key]
		if s == nil && n < LeastPrimed {
			continue
		}
		if s == nil {
			s = new(primed)
			p.shared[key] = s
		}
		if n >= LeastPrimed && !s.asked && !p.now().Before(s.until) {
			cold[key] = true
		}
	}
	return cold, nil
}

// key returns the beginning of a row that waits, and whether its provider may
// cache it. The row takes its route, and gives it back.
func (p *primer) key(e *jobdir.Entry) (key sharedPrefix, ok bool, err error) {
	one := []jobdir.Entry{*e}
	if err := p.batches.routes.choose(one); err != nil {
		return key, false, err
	}
	p.batches.routes.giveBack(one)
	if err := p.cache.mark(one, p.batches.routes.get); err != nil {
		return key, false, err
	}
	e.Route = one[0].Route
	return prefixOf(e), p.cacheable(&one[0]), nil
}
