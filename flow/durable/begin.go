package durable

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// openJob finds the job in the store, or begins it, and opens its directory. It
// refuses a job that was begun with other settings.
func openJob(ctx context.Context, c *config) (*os.Root, jobdir.Meta, error) {
	now := jobdir.Meta{ID: jobdir.NewJobID(), Name: c.name, Provider: c.first().info.Name, Settings: c.settings, Model: c.modelOfAll(), Started: time.Now()}
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(c.name)}
	if err := jobdir.Load(ctx, c.store, &meta); err != nil {
		return nil, now, err
	}
	now.Epoch = meta.Value.Epoch
	if own := c.own[0]; own.name == "" && own.model == "" { // it is opened without its job
		now.Model, c.own[0].model = meta.Value.Model, meta.Value.Model
	}
	if meta.Value.Forgotten {
		root, err := beginJob(ctx, c, &meta, now)
		return root, now, err
	}
	if changed := now.Compact().Differences(meta.Value); meta.Rev > 0 && len(changed) > 0 {
		again, err := mayBeginNewEpoch(ctx, c, now.Keys())
		if err != nil {
			return nil, now, err
		}
		if !again {
			return nil, now, &MismatchError{Reason: fmt.Sprintf("%s holds the job %q with another %s: "+
				"use the same, or give this one another name", c.store.Path(), c.name, strings.Join(changed, ", "))}
		}
		now.Epoch++
	} else if meta.Rev > 0 {
		now.ID, now.Started = meta.Value.ID, meta.Value.Started
	}
	root, err := beginJob(ctx, c, &meta, now)
	return root, now, err
}

// beginJob records the job as it is now and opens its directory.
func beginJob(ctx context.Context, c *config, meta *jobdir.Record[jobdir.Meta], now jobdir.Meta) (*os.Root, error) {
	if meta.Rev == 0 || now.Epoch != meta.Value.Epoch || now.Model != meta.Value.Model || meta.Value.Forgotten {
		op, err := meta.Put(now.Compact())
		if err != nil {
			return nil, err
		}
		if err := c.store.Commit(ctx, op); err != nil {
			return nil, err
		}
	}
	if now.Epoch > 0 {
		if err := jobdir.DropEpoch(c.store.Root(), jobdir.NewKeys(c.name, now.Epoch-1)); err != nil {
			return nil, fmt.Errorf("durable: remove what was read before: %w", err)
		}
	}
	return jobdir.MakeRoot(c.store.Root(), now.Keys())
}

// mayBeginNewEpoch reports whether nothing depends on what was read so far.
// That is so if the job reads everything before it buys, and has not read
// everything yet, nor had ended before it read more.
func mayBeginNewEpoch(ctx context.Context, c *config, k jobdir.Keys) (bool, error) {
	if !c.readAll {
		return false, nil
	}
	source := jobdir.Record[jobdir.SourceState]{Key: k.Source()}
	err := jobdir.Load(ctx, c.store, &source)
	return !source.Value.Ended && source.Value.Earlier == nil, err
}

// beginNewEpoch begins the job in another epoch. The records of the old epoch
// stay and are not read any more; its files are removed.
func beginNewEpoch(ctx context.Context, c *config) error {
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(c.name)}
	if err := jobdir.Load(ctx, c.store, &meta); err != nil {
		return err
	}
	now := meta.Value
	now.ID, now.Epoch, now.Started = jobdir.NewJobID(), now.Epoch+1, time.Now()
	root, err := beginJob(ctx, c, &meta, now)
	if err != nil {
		return err
	}
	return root.Close()
}
