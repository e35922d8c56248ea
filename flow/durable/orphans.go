package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/sink"
)

// Orphan is a batch at the provider that a job or a sink.Stage has created and
// no job waits for.
type Orphan struct {
	// Listing is the provider's list entry. The Tag is read from the rows if
	// the provider keeps none. It is "" if these are not available yet, so that
	// the batch may be anybody's.
	sink.Listing
	// Surplus says that a job of the directory knows the tag and has settled
	// another batch with it: this one was bought twice and became visible too
	// late. If Surplus is false, no job of the directory knows the tag. The
	// batch then belongs to another directory, to one that was lost, or to a
	// sink.Stage, which may still run.
	Surplus bool

	// These are what Adopt has done with it.

	Adopted int    // rows of the run that get their result from it
	Left    string // why no row was adopted, for people; "" if some were
	Lost    Lost   // its rows that the run does not get a result for
}

// Orphans lists the batches created since then that have the tag of a job. It
// leaves out batches that a job of the directory knows or may yet find itself.
// sink.Provider.Cancel can cancel an orphan, and a run can adopt it. The
// provider has to list batches.
//
// If the provider keeps no tags, only batches that have ended can be told from
// those of others. Each of these costs a call.
func (d *Dir) Orphans(ctx context.Context, provider sink.Provider, since time.Time) (found []Orphan, err error) {
	err = d.use(func(store *state.Dir) error {
		found, err = orphans(ctx, provider, store, since)
		return err
	})
	return found, err
}

func orphans(ctx context.Context, provider sink.Provider, store state.Store, since time.Time) ([]Orphan, error) {
	found, err := findOrphans(ctx, provider, store, since)
	if err != nil {
		return nil, fmt.Errorf("durable: orphans: %w", err)
	}
	return found, nil
}

func findOrphans(ctx context.Context, provider sink.Provider, store state.Store, since time.Time) (found []Orphan, err error) {
	intents, err := allIntents(ctx, store)
	if err != nil {
		return nil, err
	}
	tagged, err := keepsTags(ctx, provider, since)
	if err != nil {
		return nil, err
	}
	if info := provider.Info(); !info.Lists {
		return nil, fmt.Errorf("%s cannot list batches: %w", info.Name, errors.ErrUnsupported)
	}
	for l, err := range provider.List(ctx, since) {
		if err == nil && l.Ended && l.Tag == "" && !tagged {
			l.Tag, err = readTag(ctx, provider, l.Batch)
			switch {
			case errors.Is(err, purchase.ErrSilent):
				continue
			case purchase.IsLate(err):
				if !isOwned(intents, l.Batch) {
					found = append(found, Orphan{Listing: l})
				}
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		in, known := intents[l.Tag]
		if !tag.Valid(l.Tag) || known && (!in.Done() || in.Owns(l.Batch)) {
			continue
		}
		left := []string{l.Batch}
		if in.Refusals > 0 && l.Ended {
			if left, err = withoutRefused(ctx, provider, in, left); err != nil {
				return nil, err
			}
		}
		if len(left) > 0 {
			found = append(found, Orphan{Listing: l, Surplus: known})
		}
	}
	return found, nil
}

// isOwned reports whether a job of the directory knows the batch.
func isOwned(intents map[string]intent.Intent, batch string) bool {
	for _, in := range intents {
		if in.Owns(batch) {
			return true
		}
	}
	return false
}

// keepsTags reports whether the provider keeps tags, by asking for a batch that
// does not exist.
func keepsTags(ctx context.Context, p sink.Provider, since time.Time) (bool, error) {
	_, err := p.Find(ctx, tag.New(), since)
	if errors.Is(err, errors.ErrUnsupported) {
		return false, nil
	}
	return true, err
}

// allIntents returns the intents of all jobs in a store, by tag.
func allIntents(ctx context.Context, store state.Store) (map[string]intent.Intent, error) {
	all := make(map[string]intent.Intent)
	for rec, err := range store.Scan(ctx, []byte{jobdir.IntentKind}, nil) {
		if err != nil {
			return nil, err
		}
		var in intent.Intent
		if err := json.Unmarshal(rec.Value, &in); err != nil {
			return nil, fmt.Errorf("%w: record %q: %w", state.ErrDamaged, rec.Key, err)
		}
		all[in.Tag] = in
	}
	return all, nil
}
