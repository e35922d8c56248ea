package ready

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// SortedChunk is how many entries are loaded at once if an order is set. Some
// chunks are in memory between the disk and the accumulator, in which no
// latecomer overtakes another entry.
const SortedChunk = 128

// Sort sets another order than that of the levels. What waits is in memory
// then, about 100 bytes for each entry, once Fill was called. Call it before
// anything else.
func (r *Log) Sort(o Order) { r.line = newLine(o) }

// Fill puts all entries that wait into the order, if one is set.
func (r *Log) Fill() error {
	r.adding.Lock()
	defer r.adding.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.line == nil || r.filled {
		return nil
	}
	for _, number := range slices.Sorted(maps.Keys(r.levels)) {
		if number == jobdir.FollowerLevel {
			continue
		}
		if err := r.fillLevel(r.levels[number]); err != nil {
			return err
		}
	}
	r.filled = true
	return nil
}

func (r *Log) fillLevel(l *priorityLog) error {
	if l.next == l.end {
		return nil
	}
	for rec, err := range l.log.Scan(l.next, l.end) {
		var e jobdir.Entry
		if err == nil {
			e, err = jobdir.DecodeEntry(rec.Payload)
		}
		if err != nil {
			return fmt.Errorf("durable: ready log: %w", err)
		}
		if l.isTaken(e.Seq) {
			continue
		}
		l.loaded = append(l.loaded, place{e.Seq, rec.Begin()})
		if err := r.line.push(waiterOf(&e, rec.Ref)); err != nil {
			return err
		}
	}
	l.taken, l.claimed = intervalSet{}, make(map[uint64]struct{})
	l.next, l.nextSeq = l.end, l.tail.Value.Seq+1
	return nil
}

// waiterOf returns an entry, whose record is at ref, as a policy sees it.
func waiterOf(e *jobdir.Entry, ref segment.Ref) Waiter {
	return Waiter{
		seq: e.Seq, file: ref.File, offset: uint32(ref.Offset), size: ref.Len, //nolint:gosec // within a small file
		asked: uint32(e.Size()), deadline: e.Deadline, since: e.Since, target: e.Target, level: e.Level, //nolint:gosec // bounded by Ref.Len
	}
}

// added puts entries into the order that were just committed. The caller holds
// adding and mu.
func (r *Log) added(entries []jobdir.Entry, refs []segment.Ref) error {
	for i := range entries {
		e := &entries[i]
		if e.Follows() {
			continue
		}
		l := r.levels[e.Level]
		l.loaded = append(l.loaded, place{e.Seq, segment.Pos{File: refs[i].File, Offset: refs[i].Offset}})
		l.next, l.nextSeq = l.end, e.Seq+1
		if err := r.line.push(waiterOf(e, refs[i])); err != nil {
			return err
		}
	}
	return nil
}

// LoadDue returns the next entries of the order, at most n, as long as they are
// due by then. The order must be one in which what is due first leaves first.
func (r *Log) LoadDue(n int, by time.Time) ([]jobdir.Entry, error) {
	return r.loadNext(n, func() (Waiter, bool, error) { return r.line.nextDue(by) })
}

// loadSorted returns the next entries of the order, at most n.
func (r *Log) loadSorted(n int) ([]jobdir.Entry, error) { return r.loadNext(n, r.line.next) }

func (r *Log) loadNext(n int, next func() (Waiter, bool, error)) ([]jobdir.Entry, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	taken, logs, err := r.takeNext(n, next)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	found := make([]jobdir.Entry, len(taken))
	for i := range taken {
		if found[i], err = logs[taken[i].level].readOne(&taken[i]); err != nil {
			return nil, err
		}
	}
	for _, l := range logs {
		if err := l.forget(r); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// takeNext takes at most n entries, and returns the logs that have them.
func (r *Log) takeNext(n int, next func() (Waiter, bool, error)) (taken []Waiter, logs map[uint8]*priorityLog, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(taken) < n {
		w, ok, err := next()
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			break
		}
		r.leaving[w.seq] = w
		taken = append(taken, w)
	}
	return taken, maps.Clone(r.levels), nil
}

// forget gives back the files that were dropped since they were read.
func (l *priorityLog) forget(r *Log) error {
	r.mu.Lock()
	dropped := l.dropped
	r.mu.Unlock()
	if err := l.reader.forgetBelow(dropped); err != nil {
		return fmt.Errorf("durable: ready log: %w", err)
	}
	return nil
}

// readOne reads the entry of a waiter. The caller holds reading.
func (l *priorityLog) readOne(w *Waiter) (jobdir.Entry, error) {
	record, err := l.reader.read(segment.Ref{File: w.file, Offset: uint64(w.offset), Len: w.size})
	if err != nil {
		return jobdir.Entry{}, fmt.Errorf("durable: ready log: %w", err)
	}
	return jobdir.DecodeEntry(record)
}
