package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/balerhq/baler/internal/crashpoint"
)

// Bounds of one group; well inside Badger's limit for a transaction, which is
// 15 % of the memtable, or 1.2 MB and 12,000 writes.
const (
	groupOps   = 2 * MaxOps
	groupBytes = MaxCommit
)

type commit struct {
	ops  []Op
	size int
	done chan error
}

// Commit implements Store. Concurrent commits share one synced transaction:
// Badger syncs once a transaction, however many wait.
func (b *Badger) Commit(ctx context.Context, ops ...Op) error {
	if err := Validate(ops); err != nil {
		return err
	}
	c := &commit{ops: ops, size: size(ops), done: make(chan error, 1)}
	if err := b.enqueue(ctx, c); err != nil {
		return err
	}
	// Once queued, the commit happens: its outcome is worth waiting for, and
	// the caller's slices are in use until then.
	return b.outcome(c)
}

// outcome waits for that of a commit, as long as there can be one.
func (b *Badger) outcome(c *commit) error {
	tick := time.NewTicker(stallCheck)
	defer tick.Stop()
	for waited := time.Duration(0); ; waited += stallCheck {
		select {
		case err := <-c.done:
			return err
		case <-b.stopped:
			select {
			case err := <-c.done:
				return err
			default:
				return ErrClosed
			}
		case <-tick.C:
			if err := b.trouble.stalled(waited); err != nil {
				return err
			}
		}
	}
}

func (b *Badger) enqueue(ctx context.Context, c *commit) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-b.closing:
		return ErrClosed
	default:
	}
	select {
	case b.commits <- c:
		return nil
	case <-b.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// committer is the only goroutine that writes.
func (b *Badger) committer() {
	defer close(b.stopped)
	var group []*commit
	for {
		select {
		case c := <-b.commits:
			group = b.gather(group[:0], c)
			b.write(group)
		case <-b.closing:
			b.drain()
			return
		}
	}
}

// gather adds what waits already; it never waits for more.
func (b *Badger) gather(group []*commit, first *commit) []*commit {
	group = append(group, first)
	ops, size := len(first.ops), first.size
	for ops < groupOps-MaxOps && size < groupBytes {
		select {
		case c := <-b.commits:
			group = append(group, c)
			ops += len(c.ops)
			size += c.size
		default:
			return group
		}
	}
	return group
}

func (b *Badger) drain() {
	for {
		select {
		case c := <-b.commits:
			b.write([]*commit{c})
		default:
			return
		}
	}
}

// write commits a group in one transaction and tells each of its callers. A
// commit that meets another revision leaves the group, which then starts
// again without it; one that has no room begins the next transaction.
func (b *Badger) write(group []*commit) {
	for len(group) > 0 {
		refused, err := b.try(group)
		switch {
		case refused < 0:
			finish(group, err)
			return
		case errors.Is(err, errTooBig) && refused > 0:
			b.write(group[:refused])
			group = group[refused:]
		default:
			group[refused].done <- err
			group = slices.Delete(group, refused, refused+1)
		}
	}
}

// try reports the commit that stopped it, or -1 and how the transaction ended.
func (b *Badger) try(group []*commit) (refused int, err error) {
	txn := b.db.NewTransaction(true)
	defer txn.Discard()
	for i, c := range group {
		if err := apply(txn, c.ops); err != nil {
			return i, err
		}
	}
	crashpoint.Here("before a commit")
	err = commitError(txn.Commit())
	crashpoint.Here("after a commit")
	return -1, err
}

func finish(group []*commit, err error) {
	for _, c := range group {
		c.done <- err
	}
}

// apply checks and sets in order: a transaction reads its own writes.
func apply(txn *badger.Txn, ops []Op) error {
	for i := range ops {
		if err := admit(txn, &ops[i]); err != nil {
			return err
		}
		if err := set(txn, &ops[i]); err != nil {
			return err
		}
	}
	return nil
}

func admit(txn *badger.Txn, o *Op) error {
	if !o.checked {
		return nil
	}
	r, err := get(txn, o.key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if !o.Admits(r.Rev) {
		return ErrConflict
	}
	return nil
}

func set(txn *badger.Txn, o *Op) error {
	b := seal(make([]byte, 0, len(o.value)+envelopeOverhead), o.key, o.value, o.rev)
	return commitError(txn.Set(o.key, b))
}

var errTooBig = errors.New("state: commit: transaction too big")

// commitError keeps Badger's size errors away from callers: they quote up to
// a kilobyte of the value.
func commitError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, badger.ErrDBClosed), errors.Is(err, badger.ErrBlockedWrites):
		return ErrClosed
	case errors.Is(err, badger.ErrTxnTooBig):
		return errTooBig
	}
	return fmt.Errorf("state: commit: %w", err)
}
