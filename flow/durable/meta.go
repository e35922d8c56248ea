package durable

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/state"
)

// jobMeta is what must not change while a job is unfinished.
type jobMeta struct {
	ID       string            `json:"id"` // of this epoch: all files of the job name it
	Name     string            `json:"name"`
	Provider string            `json:"provider"`
	Settings map[string]string `json:"settings"`
	Epoch    uint64            `json:"epoch"`
	Started  time.Time         `json:"started"` // this epoch, for the first time
	// Forgotten says that Forget has removed the job, and this epoch has not begun.
	Forgotten bool `json:"forgotten,omitempty"`
}

// openJob finds the job in the store, or begins it, and opens its directory. A
// job that was begun with other settings is refused.
func openJob(ctx context.Context, c *config) (*os.Root, jobMeta, error) {
	now := jobMeta{ID: newJobID(), Name: c.name, Provider: c.provider.Name(), Settings: c.settings, Started: time.Now()}
	meta := register[jobMeta]{key: metaKey(c.name)}
	if err := load(ctx, c.store, &meta); err != nil {
		return nil, now, err
	}
	now.Epoch = meta.value.Epoch
	if meta.value.Forgotten {
		root, err := beginJob(ctx, c, &meta, now)
		return root, now, err
	}
	if changed := now.brief().differences(meta.value); meta.rev > 0 && len(changed) > 0 {
		again, err := mayBeginAnew(ctx, c, now.keys())
		if err != nil {
			return nil, now, err
		}
		if !again {
			return nil, now, &MismatchError{Reason: fmt.Sprintf("%s holds the job %q with another %s: "+
				"use the same, or give this one another name", c.store.Path(), c.name, strings.Join(changed, ", "))}
		}
		now.Epoch++
	} else if meta.rev > 0 {
		now.ID, now.Started = meta.value.ID, meta.value.Started
	}
	root, err := beginJob(ctx, c, &meta, now)
	return root, now, err
}

// newJobID returns 16 characters of which no two are alike: 80 random bits.
func newJobID() string { return rand.Text()[:16] }

func (m jobMeta) keys() keys { return newKeys(m.Name, m.Epoch) }

// maxSetting is how many bytes of a setting the index keeps.
const maxSetting = 100

// brief is the job as the index has it, which keeps small records only: a long
// setting, such as a prompt with examples, is known by its hash. The journal has
// it in full.
func (m jobMeta) brief() jobMeta {
	m.Settings = maps.Clone(m.Settings)
	for name, value := range m.Settings {
		if len(value) > maxSetting {
			m.Settings[name] = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(value)))
		}
	}
	return m
}

// beginJob records the job as it is now and opens its directory.
func beginJob(ctx context.Context, c *config, meta *register[jobMeta], now jobMeta) (*os.Root, error) {
	if meta.rev == 0 || now.Epoch != meta.value.Epoch || meta.value.Forgotten {
		op, err := meta.put(now.brief())
		if err != nil {
			return nil, err
		}
		if err := c.store.Commit(ctx, op); err != nil {
			return nil, err
		}
	}
	if now.Epoch > 0 {
		if err := dropEpoch(c.store.Root(), newKeys(c.name, now.Epoch-1)); err != nil {
			return nil, fmt.Errorf("durable: remove what was read before: %w", err)
		}
	}
	return jobRoot(c.store.Root(), now.keys())
}

// differences names what is not as it was.
func (m jobMeta) differences(was jobMeta) (names []string) {
	if m.Provider != was.Provider {
		names = append(names, "provider")
	}
	all := maps.Clone(was.Settings)
	if all == nil {
		all = make(map[string]string)
	}
	maps.Copy(all, m.Settings)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if m.Settings[name] != was.Settings[name] {
			names = append(names, name)
		}
	}
	return names
}

// mayBeginAnew reports whether nothing depends on what was read so far: the
// job reads all before it buys, and has not read all.
func mayBeginAnew(ctx context.Context, c *config, k keys) (bool, error) {
	if !c.readAll {
		return false, nil
	}
	source := register[sourceState]{key: k.source()}
	err := load(ctx, c.store, &source)
	return !source.value.Ended, err
}

// anew begins the job in another epoch. Its records stay behind unread; its
// files go.
func anew(ctx context.Context, c *config) error {
	meta := register[jobMeta]{key: metaKey(c.name)}
	if err := load(ctx, c.store, &meta); err != nil {
		return err
	}
	now := meta.value
	now.ID, now.Epoch, now.Started = newJobID(), now.Epoch+1, time.Now()
	root, err := beginJob(ctx, c, &meta, now)
	if err != nil {
		return err
	}
	return root.Close()
}

func load[V any](ctx context.Context, store state.Store, r *register[V]) error {
	rec, err := store.Get(ctx, r.key)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(rec.Value, &r.value); err != nil {
		return fmt.Errorf("%w: record %q: %w", state.ErrDamaged, r.key, err)
	}
	r.rev = rec.Rev
	return nil
}
