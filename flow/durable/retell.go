package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/internal/segment"
)

// retell returns the lines of a journal that says what the index says.
func (a *files) retell(ctx context.Context, index state.Store) ([]logged, error) {
	told := newMemory()
	known := make(map[int]lane)
	lines, err := a.retellJob(ctx, index)
	if err != nil {
		return nil, err
	}
	err = journal.Salvage(a.root, journalFile, a.id, func(record []byte) error {
		var l logged
		if err := json.Unmarshal(record, &l); err != nil {
			return err
		}
		if l.Lane != nil {
			known[l.Lane.N] = l.Lane.lane
		}
		return told.replay(record)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	intents, err := a.mergeIntents(ctx, index, told.intents)
	if err != nil {
		return nil, err
	}
	lanes, err := a.retellLanes(ctx, index, known, intents)
	if err != nil {
		return nil, err
	}
	settled, err := a.retellSettled(ctx, index, intents)
	if err != nil {
		return nil, err
	}
	lines = append(lines, lanes...)
	for _, in := range intents {
		lines = append(lines, logged{Intent: &in, Claims: a.claimsOf(in, told)})
	}
	lines = append(lines, settled...)
	if told.pruned != nil {
		lines = append(lines, logged{Pruned: told.pruned})
	}
	if told.keep != 0 {
		lines = append(lines, logged{Keep: &told.keep})
	}
	for i := range told.same {
		lines = append(lines, logged{Account: &told.same[i]})
	}
	if seen := slices.Sorted(maps.Keys(told.seen)); len(seen) > 0 {
		lines = append(lines, logged{Seen: seen})
	}
	if removed := slices.Sorted(maps.Keys(told.removed)); len(removed) > 0 {
		lines = append(lines, logged{Removed: removed})
	}
	return lines, nil
}

// mergeIntents takes of each batch what is known of it last.
func (a *files) mergeIntents(ctx context.Context, index state.Store, told map[string]intent.Intent) ([]intent.Intent, error) {
	var merged []intent.Intent
	for rec, err := range index.Scan(ctx, a.keys.make(intentKind), nil) {
		if err != nil {
			return nil, err
		}
		var in intent.Intent
		if err := json.Unmarshal(rec.Value, &in); err != nil {
			return nil, fmt.Errorf("%w: record %q: %w", state.ErrDamaged, rec.Key, err)
		}
		if later, ok := told[in.Tag]; ok && later.Rev > in.Rev {
			in = later
		}
		delete(told, in.Tag)
		merged = append(merged, in)
	}
	for tag, in := range told { // one that was just sealed may be sealed again
		if in.Rev > 1 {
			return nil, a.damaged(journalFile, fmt.Errorf("the index has lost batch %s, and lines are lost here", tag))
		}
	}
	return merged, nil
}

// claimsOf is what a batch has claimed, by its bale, or else by what is left of
// the journal.
func (a *files) claimsOf(in intent.Intent, told *memory) []claimSpan {
	if spans := told.claims[in.Tag]; len(spans) > 0 {
		return spans
	}
	entries, err := a.entries(in.Tag, in.Rows)
	if err != nil {
		return nil
	}
	return claimSpans(entries)
}

func (a *files) retellJob(ctx context.Context, index state.Store) ([]logged, error) {
	for rec, err := range index.Scan(ctx, []byte{metaKind}, nil) {
		if err != nil {
			return nil, err
		}
		var job jobMeta
		if err := json.Unmarshal(rec.Value, &job); err == nil && job.keys() == a.keys {
			a.id = job.ID
			return []logged{{Job: &job}}, nil
		}
	}
	return nil, a.damaged(journalFile, errors.New("it is gone, and the index does not know whose it was"))
}

// retellLanes finds the lanes in what is left of the journal, and in bales.
func (a *files) retellLanes(ctx context.Context, index state.Store, known map[int]lane, intents []intent.Intent) (lines []logged, err error) {
	source := register[sourceState]{key: a.keys.source()}
	if err := load(ctx, index, &source); err != nil {
		return nil, err
	}
	for _, in := range intents {
		switch header, err := a.baleHeader(in.Tag); {
		case err == nil:
			known[header.N] = header.lane
		case !errors.Is(err, fs.ErrNotExist) || !in.Done():
			return nil, err
		}
	}
	for n := range source.value.Lanes {
		l, ok := known[n]
		if !ok {
			return nil, a.damaged(journalFile, errors.New("it has lost an endpoint and a model of which no batch was bought"))
		}
		lines = append(lines, logged{Lane: &numberedLane{n, l}})
	}
	return lines, nil
}

// retellSettled says of each batch, in one line, how far it is settled and which
// of its rows went again: those that were made ready a second time.
func (a *files) retellSettled(ctx context.Context, index state.Store, intents []intent.Intent) (lines []logged, err error) {
	outbox := register[outputState]{key: a.keys.output()}
	if err := load(ctx, index, &outbox); err != nil {
		return nil, err
	}
	last, err := a.lastEntries(ctx, index, intents)
	if err != nil {
		return nil, err
	}
	for _, in := range intents {
		line, err := a.settledOf(ctx, index, in, last)
		if err != nil {
			return nil, err
		}
		if line.Until > 0 {
			line.Output = outbox.value
			lines = append(lines, logged{Settled: &line})
		}
	}
	return append(lines, logged{Output: &outbox.value}), nil
}

func (a *files) settledOf(ctx context.Context, index state.Store, in intent.Intent, last map[digest]entry) (s settled, err error) {
	s.Tag = in.Tag
	if s.Until, err = a.rowsSettled(ctx, index, in.Tag); err != nil || s.Until == 0 {
		return s, err
	}
	entries, err := a.entries(in.Tag, in.Rows)
	if errors.Is(err, fs.ErrNotExist) && in.Done() {
		return s, nil // pruned
	}
	if err != nil {
		return s, err
	}
	for n := range entries {
		if later := last[claimKey(entries[n].key)]; later.seq > entries[n].seq {
			s.Again = addRow(s.Again, n)
			s.Unsent = later.attempts == entries[n].attempts
		}
	}
	return s, nil
}

// lastEntries are the entries of items as they were made ready last.
func (a *files) lastEntries(ctx context.Context, index state.Store, intents []intent.Intent) (map[digest]entry, error) {
	last := make(map[digest]entry)
	note := func(e entry) {
		if k := claimKey(e.key); e.seq > last[k].seq {
			last[k] = entry{seq: e.seq, attempts: e.attempts}
		}
	}
	for _, in := range intents {
		entries, err := a.entries(in.Tag, in.Rows)
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || !in.Done()) {
			return nil, err
		}
		for i := range entries {
			note(entries[i])
		}
	}
	return last, a.readyEntries(ctx, index, note)
}

// readyEntries calls f with each entry of the ready queue from its heads on.
func (a *files) readyEntries(ctx context.Context, index state.Store, f func(entry)) error {
	for rec, err := range index.Scan(ctx, a.keys.make('e'), nil) {
		if err != nil {
			return err
		}
		if err := a.levelEntries(ctx, index, rec.Key[len(rec.Key)-1], f); err != nil {
			return err
		}
	}
	return nil
}

func (a *files) levelEntries(ctx context.Context, index state.Store, number uint8, f func(entry)) error {
	tail := register[tailState]{key: a.keys.tail(number)}
	head := register[headState]{key: a.keys.head(number)}
	if err := errors.Join(load(ctx, index, &tail), load(ctx, index, &head)); err != nil {
		return err
	}
	log := segment.Look(a.root, levelDir(number), a.readyLabel(number))
	for rec, err := range log.Scan(head.value.Pos, tail.value.End) {
		if err != nil {
			return a.damaged(readyDir, err)
		}
		e, err := decodeEntry(rec.Payload)
		if err != nil {
			return a.damaged(readyDir, err)
		}
		f(e)
	}
	return nil
}
