package durable

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

func (r *Remote) add(k keptBatch) {
	if k.File != "" {
		r.Inputs++
	}
	if k.Batch != "" {
		r.Results++
		r.Bytes += k.bytes
	}
}

// keptBatch is a batch that the job has finished and whose files the provider
// may still store.
type keptBatch struct {
	sink.Handle
	tag, account string
	route        int
	sent         time.Time
	surplus      []string // further batches of the tag
	at           time.Time
	bytes        int64
}

func (b *keptBatch) witness() witness { return witness{b.Handle, b.tag, b.account, b.route, b.sent} }

// kept holds the batches that the job has finished and whose files the provider
// still stores. The journal names them: they are cleaned and not yet removed.
type kept struct {
	mu      sync.Mutex
	keep    time.Duration // Job.KeepRemote as the journal has it
	batches map[string]keptBatch
	last    time.Time // when a batch was settled last
}

// add adds a batch that was cleaned at that time.
func (k *kept) add(in intent.Intent, at time.Time, bytes int64) {
	k.put(keptBatch{
		Handle: handle(in), tag: in.Tag, account: in.Account, route: in.Route, sent: in.SentAt, surplus: in.Surplus, at: at, bytes: bytes,
	})
}

// addReleased adds a batch whose rows were released: it has no results.
func (k *kept) addReleased(in intent.Intent, at time.Time) {
	k.put(keptBatch{Handle: sink.Handle{File: in.File}, tag: in.Tag, account: in.Account, route: in.Route, sent: in.SentAt, surplus: in.Surplus, at: at})
}

func (k *kept) put(b keptBatch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b.at.After(k.last) {
		k.last = b.at
	}
	if b.Handle != (sink.Handle{}) || len(b.surplus) > 0 {
		k.batches[b.tag] = b
	}
}

func (k *kept) drop(tags []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, tag := range tags {
		delete(k.batches, tag)
	}
}

// list returns the batches that were settled by then, the oldest first.
func (k *kept) list(until time.Time) (found []keptBatch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range k.batches {
		if !b.at.After(until) {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(a, b keptBatch) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.tag, b.tag)) })
	return found
}

func (k *kept) remote() (r Remote) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, b := range k.batches {
		r.add(b)
	}
	return r
}

// ended returns when the last batch was settled.
func (k *kept) ended() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last
}
