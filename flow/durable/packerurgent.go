package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
)

// errPacked ends what runs beside the rounds.
var errPacked = errors.New("durable: all rounds are over")

// run makes batches until nothing is left. Rows that come near their deadline
// overtake all others, even while these wait for a slot.
func (pk *packer) run(ctx, life context.Context) error {
	if pk.escalation == 0 {
		return pk.rounds(ctx, life)
	}
	both, beside := errgroup.WithContext(ctx)
	both.Go(func() error {
		if err := pk.rounds(beside, life); err != nil {
			return err
		}
		return errPacked
	})
	both.Go(func() error { return pk.escalate(beside, life) })
	if err := both.Wait(); !errors.Is(err, errPacked) {
		return err
	}
	return nil
}

// escalate buys the rows that come near their deadline while they wait, until
// ctx is done.
func (pk *packer) escalate(ctx, life context.Context) error {
	tick := time.NewTicker(pk.escalationPace())
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if pk.readAll && !pk.progress.ended() || !pk.batches.routes.mayEscalate() {
			continue
		}
		for more := true; more; {
			var err error
			if more, err = pk.escalateSome(ctx, life); err != nil {
				return err
			}
		}
	}
}

// escalateSome buys some of these rows, and reports whether there were any.
func (pk *packer) escalateSome(ctx, life context.Context) (some bool, err error) {
	pk.urgent.Lock()
	defer pk.urgent.Unlock()
	entries, err := pk.batches.ready.LoadDue(ready.LoadChunk, time.Now().Add(worthABatch*pk.escalation))
	if err != nil {
		return false, pk.IfDamaged(jobdir.ReadyDir, fmt.Errorf("durable: %w", err))
	}
	if len(entries) == 0 {
		return false, nil
	}
	if err := pk.routed(entries); err != nil {
		return true, err
	}
	return true, pk.buyGroups(ctx, life, entries, flushDeadline)
}

// routed sets the routes of entries, and their answers in the cache.
func (pk *packer) routed(entries []jobdir.Entry) error {
	if err := pk.batches.routes.choose(entries); err != nil {
		return err
	}
	return pk.cache.mark(entries, pk.batches.routes.get)
}

// buyUrgent buys those of the entries that are on a route for rows near their
// deadline, and returns the others.
func (pk *packer) buyUrgent(ctx, life context.Context, entries []jobdir.Entry) (rest []jobdir.Entry, err error) {
	if pk.escalation == 0 {
		return entries, nil
	}
	var urgent []jobdir.Entry
	for _, e := range entries {
		if e.Hit == nil && pk.batches.routes.isEscalation(int(e.Route)) {
			urgent = append(urgent, e)
		} else {
			rest = append(rest, e)
		}
	}
	return rest, pk.buyGroups(ctx, life, urgent, flushDeadline)
}

// buyGroups makes batches of entries at once.
func (pk *packer) buyGroups(ctx, life context.Context, entries []jobdir.Entry, reason string) error {
	groups := make(map[string][]jobdir.Entry)
	var keys []string // in the order in which they came
	for _, e := range entries {
		key := pk.batches.batchKey(e)
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], e)
	}
	for _, key := range keys {
		if err := pk.buy(ctx, life, groups[key], reason); err != nil {
			return err
		}
	}
	return nil
}

// awaitSlot waits for the slot of a batch. It returns the rows for the batch:
// those that come near their deadline meanwhile do not wait for it.
func (pk *packer) awaitSlot(ctx, life context.Context, tag string, rows []jobdir.Entry) (rest []jobdir.Entry, err error) {
	urgent := pk.batches.routes.isEscalation(int(rows[0].Route))
	if pk.escalation == 0 || urgent {
		return rows, pk.buyer.slots.acquire(ctx, tag, urgent)
	}
	for {
		due, rest, err := pk.batches.routes.escalate(rows)
		if err == nil {
			err = pk.buyGroups(ctx, life, due, flushDeadline)
		}
		if err != nil || len(rest) == 0 {
			return nil, err
		}
		rows = rest
		soon, stop := context.WithTimeoutCause(ctx, pk.escalationPace(), errDue)
		err = pk.buyer.slots.acquire(soon, tag, false)
		stop()
		if !errors.Is(err, errDue) {
			return rows, err
		}
	}
}
