package doctor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/internal/segment"
)

// reconstructJournal returns the lines of a journal that agrees with the index.
func reconstructJournal(ctx context.Context, a *jobdir.Dir, index state.Store) ([]jobdir.Line, error) {
	replayed := jobdir.NewReplayed()
	known := newKnownRoutes()
	lines, err := reconstructJob(ctx, a, index)
	if err != nil {
		return nil, err
	}
	err = journal.Salvage(a.Root, jobdir.JournalFile, a.ID, func(record []byte) error {
		l, err := jobdir.DecodeLine(record)
		if err != nil {
			return err
		}
		known.note(l)
		return replayed.Replay(record)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	intents, err := mergeIntents(ctx, a, index, replayed.Intents)
	if err != nil {
		return nil, err
	}
	routes, err := reconstructRoutes(ctx, a, index, known, intents)
	if err != nil {
		return nil, err
	}
	settled, err := reconstructSettled(ctx, a, index, intents)
	if err != nil {
		return nil, err
	}
	lines = append(lines, routes...)
	for _, in := range intents {
		lines = append(lines, jobdir.Line{Intent: &in, Claims: claimsOf(a, in, replayed), Shares: replayed.Shares[in.Tag]})
	}
	lines = append(lines, settled...)
	if replayed.Pruned != nil {
		lines = append(lines, jobdir.Line{Pruned: replayed.Pruned})
	}
	if replayed.Keep != 0 {
		lines = append(lines, jobdir.Line{Keep: &replayed.Keep})
	}
	for i := range replayed.Aliases {
		lines = append(lines, jobdir.Line{Account: &replayed.Aliases[i]})
	}
	if seen := slices.Sorted(maps.Keys(replayed.Seen)); len(seen) > 0 {
		lines = append(lines, jobdir.Line{Seen: seen})
	}
	if stored, err := reconstructStored(a, replayed); err != nil {
		return nil, err
	} else if len(stored) > 0 {
		lines = append(lines, jobdir.Line{Stored: stored})
	}
	if removed := slices.Sorted(maps.Keys(replayed.Removed)); len(removed) > 0 {
		lines = append(lines, jobdir.Line{Removed: removed})
	}
	return lines, nil
}

// reconstructStored returns what is known of files that rows refer to. If rows
// have files, the provider may have more than the rest of the journal says.
func reconstructStored(a *jobdir.Dir, replayed *jobdir.Replayed) ([]jobdir.StoredFile, error) {
	stored := slices.Collect(maps.Values(replayed.Stored))
	slices.SortFunc(stored, func(f, g jobdir.StoredFile) int {
		return cmp.Or(strings.Compare(f.Account, g.Account), strings.Compare(f.Name, g.Name))
	})
	stored = slices.DeleteFunc(stored, func(f jobdir.StoredFile) bool { return f.Name == a.StoredPrefix() })
	switch _, err := a.Root.Lstat(jobdir.FileDir); {
	case errors.Is(err, fs.ErrNotExist):
		return stored, nil
	case err != nil:
		return nil, fmt.Errorf("durable: %w", err)
	}
	return append(stored, jobdir.StoredFile{StoredKey: a.AnyStored()}), nil
}

// mergeIntents takes the latest known state of each batch, from the index or
// the journal.
func mergeIntents(ctx context.Context, a *jobdir.Dir, index state.Store, replayed map[string]intent.Intent) ([]intent.Intent, error) {
	var merged []intent.Intent
	for rec, err := range index.Scan(ctx, a.Keys.Make(jobdir.IntentKind), nil) {
		if err != nil {
			return nil, err
		}
		var in intent.Intent
		if err := json.Unmarshal(rec.Value, &in); err != nil {
			return nil, fmt.Errorf("%w: record %q: %w", state.ErrDamaged, rec.Key, err)
		}
		if later, ok := replayed[in.Tag]; ok && later.Rev > in.Rev {
			in = later
		}
		delete(replayed, in.Tag)
		merged = append(merged, in)
	}
	for tag, in := range replayed { // a batch that was only just sealed can be sealed again
		if in.Rev > 1 {
			return nil, a.Damaged(jobdir.JournalFile, fmt.Errorf("the index has lost batch %s, and lines are lost here", tag))
		}
	}
	return merged, nil
}

// claimsOf returns the entries that a batch has claimed: those of the journal,
// as far as it is left, or else those of the manifest.
func claimsOf(a *jobdir.Dir, in intent.Intent, replayed *jobdir.Replayed) []jobdir.ClaimSpan {
	if spans := replayed.Claims[in.Tag]; len(spans) > 0 {
		return spans
	}
	entries, err := a.Entries(in.Tag, in.Rows)
	if err != nil {
		return nil
	}
	return jobdir.ClaimSpans(entries)
}

func reconstructJob(ctx context.Context, a *jobdir.Dir, index state.Store) ([]jobdir.Line, error) {
	for rec, err := range index.Scan(ctx, []byte{jobdir.MetaKind}, nil) {
		if err != nil {
			return nil, err
		}
		var job jobdir.Meta
		if err := json.Unmarshal(rec.Value, &job); err == nil && job.Keys() == a.Keys {
			a.ID = job.ID
			return []jobdir.Line{{Job: &job}}, nil
		}
	}
	return nil, a.Damaged(jobdir.JournalFile, errors.New("it is gone, and the index does not know whose it was"))
}

// reconstructSettled returns one line for each batch, with how far it is
// settled and which of its rows were retried. A row was retried if it was made
// ready a second time.
func reconstructSettled(ctx context.Context, a *jobdir.Dir, index state.Store, intents []intent.Intent) (lines []jobdir.Line, err error) {
	output := jobdir.Record[jobdir.OutputState]{Key: a.Keys.Output()}
	if err := jobdir.Load(ctx, index, &output); err != nil {
		return nil, err
	}
	last, err := lastEntries(ctx, a, index, intents)
	if err != nil {
		return nil, err
	}
	for _, in := range intents {
		line, err := settledOf(ctx, a, index, in, last)
		if err != nil {
			return nil, err
		}
		if line.Until > 0 {
			line.Output = output.Value
			lines = append(lines, jobdir.Line{Settled: &line})
		}
	}
	return append(lines, jobdir.Line{Output: &output.Value}), nil
}

func settledOf(ctx context.Context, a *jobdir.Dir, index state.Store, in intent.Intent, last map[jobdir.Digest]lastEntry) (s jobdir.Settled, err error) {
	s.Tag = in.Tag
	done, err := a.ProgressOf(ctx, index, in.Tag)
	if err != nil || done.Rows == 0 {
		return s, err
	}
	s.Until, s.Cost = done.Rows, done.Cost
	tenants, err := a.TenantCosts(ctx, index, in.Tag)
	if err != nil {
		return s, err
	}
	s.Tenants = jobdir.BatchCosts{ByTarget: tenants}.Tenants()
	entries, err := a.Entries(in.Tag, in.Rows)
	if errors.Is(err, fs.ErrNotExist) && in.Done() {
		return s, nil // pruned
	}
	if err != nil {
		return s, err
	}
	for n := range entries {
		if later := last[jobdir.ClaimKey(entries[n].Key)]; later.seq > entries[n].Seq {
			s.Again = jobdir.AddRow(s.Again, n)
			s.Unsent = later.attempts == entries[n].Attempts()
		}
	}
	return s, nil
}

// lastEntry is what is needed of the latest ready entry of an item.
type lastEntry struct {
	seq      uint64
	attempts int
}

// lastEntries returns the latest ready entry of each item.
func lastEntries(ctx context.Context, a *jobdir.Dir, index state.Store, intents []intent.Intent) (map[jobdir.Digest]lastEntry, error) {
	last := make(map[jobdir.Digest]lastEntry)
	note := func(e jobdir.Entry) {
		if k := jobdir.ClaimKey(e.Key); e.Seq > last[k].seq {
			last[k] = lastEntry{e.Seq, e.Attempts()}
		}
	}
	for _, in := range intents {
		entries, err := a.Entries(in.Tag, in.Rows)
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || !in.Done()) {
			return nil, err
		}
		for i := range entries {
			note(entries[i])
		}
	}
	return last, readyEntries(ctx, a, index, note)
}

// readyEntries calls f with each entry of the ready log from its heads on.
func readyEntries(ctx context.Context, a *jobdir.Dir, index state.Store, f func(jobdir.Entry)) error {
	for rec, err := range index.Scan(ctx, a.Keys.Make('e'), nil) {
		if err != nil {
			return err
		}
		if err := levelEntries(ctx, a, index, rec.Key[len(rec.Key)-1], f); err != nil {
			return err
		}
	}
	return nil
}

func levelEntries(ctx context.Context, a *jobdir.Dir, index state.Store, number uint8, f func(jobdir.Entry)) error {
	tail := jobdir.Record[jobdir.TailState]{Key: a.Keys.Tail(number)}
	head := jobdir.Record[jobdir.HeadState]{Key: a.Keys.Head(number)}
	if err := errors.Join(jobdir.Load(ctx, index, &tail), jobdir.Load(ctx, index, &head)); err != nil {
		return err
	}
	log := segment.Look(a.Root, jobdir.LevelDir(number), a.ReadyLabel(number))
	for rec, err := range log.Scan(head.Value.Pos, tail.Value.End) {
		if err != nil {
			return a.Damaged(jobdir.ReadyDir, err)
		}
		e, err := jobdir.DecodeEntry(rec.Payload)
		if err != nil {
			return a.Damaged(jobdir.ReadyDir, err)
		}
		f(e)
	}
	return nil
}
