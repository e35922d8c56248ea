package durable

import (
	"errors"
	"io/fs"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// recover finds out which beginnings the cache of the provider still has, or
// open batches ask with, so that nothing is asked first again.
func (p *primer) recover(replayed *jobdir.Replayed) error {
	p.shared = make(map[sharedPrefix]*primed)
	if !p.primeCache {
		return nil
	}
	settled := make(map[string]time.Time)
	for i := range replayed.Chunks {
		settled[replayed.Chunks[i].Tag] = replayed.Chunks[i].At
	}
	for _, in := range replayed.Intents {
		if in.Prefix == 0 {
			continue
		}
		life, _ := p.life(in.Route)
		until := settled[in.Tag].Add(life)
		if over := in.Done() || in.State == intent.Committed; over && !p.now().Before(until) {
			continue
		} else if !over {
			until = time.Time{}
			p.waits = p.waits || in.Prefix == intent.WritesPrefix
		}
		if err := p.recoverBatch(in, until); err != nil {
			return err
		}
	}
	return nil
}

// recoverBatch notes that a batch has asked, or asks if until is zero.
func (p *primer) recoverBatch(in intent.Intent, until time.Time) error {
	for e, err := range p.Rows(in.Tag) {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && in.Done() { // it was pruned
				return nil
			}
			return err
		}
		prefix := e.Extra().Prefix
		if prefix == 0 {
			continue
		}
		key := sharedPrefix{prefix, uint16(in.Route)} //nolint:gosec // a number of a route
		s := p.shared[key]
		if s == nil {
			s = new(primed)
			p.shared[key] = s
		}
		s.asked = s.asked || until.IsZero()
		if until.After(s.until) {
			s.until = until
		}
	}
	return nil
}
