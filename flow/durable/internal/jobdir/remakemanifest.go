package jobdir

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
)

// CheckManifest reads the manifest of a batch to its end.
func (a *Dir) CheckManifest(in intent.Intent) error {
	n := 0
	for _, err := range a.Rows(in.Tag) {
		if err != nil {
			return err
		}
		n++
	}
	if n != in.Rows {
		return a.Damaged(ManifestName(in.Tag), fmt.Errorf("it holds %d rows, and the journal says %d", n, in.Rows))
	}
	return nil
}

// NeedsManifest reports whether the rows of the batch are still needed.
func NeedsManifest(in intent.Intent) bool { return !in.Done() && in.State != intent.Committed }

// RemakeManifest makes the manifest of a batch again. The journal says which
// entries of the ready log the batch has claimed, and in which order. These
// entries are kept until the batch is done.
func (a *Dir) RemakeManifest(in intent.Intent, replayed *Replayed) error {
	entries, err := a.RowsOf(in, replayed)
	if err != nil {
		return fmt.Errorf("durable: it cannot be made again: %w", err)
	}
	for i := range entries {
		entries[i].Route = uint16(in.Route) //nolint:gosec // as it was written
	}
	return a.WriteManifest(in.Tag, entries, replayed.Routes[in.Route], replayed.TargetOf)
}

// RowsOf finds the rows of a batch without its manifest.
func (a *Dir) RowsOf(in intent.Intent, replayed *Replayed) ([]Entry, error) {
	entries, err := claimed(a, replayed.Claims[in.Tag])
	if err == nil && (len(entries) != in.Rows || in.Route >= len(replayed.Routes)) {
		err = errors.New("the journal does not say which rows it had")
	}
	if err == nil {
		err = verifyRequests(a, entries)
	}
	return entries, err
}

// claimed reads the entries that were claimed from the ready log. If several
// entries have the same number, the last one counts. A rebuilt index numbers
// entries anew and appends them after the old ones.
func claimed(a *Dir, spans []ClaimSpan) ([]Entry, error) {
	found := make(map[uint8]map[uint64]Entry)
	n := 0
	for _, s := range spans {
		if found[s.Level()] == nil {
			found[s.Level()] = make(map[uint64]Entry)
		}
		for seq := s[1]; seq <= s[2]; seq++ {
			found[s.Level()][seq] = Entry{}
			n++
		}
	}
	for level, wanted := range found {
		if err := findEntries(a, level, wanted); err != nil {
			return nil, err
		}
	}
	entries := make([]Entry, 0, n)
	for _, s := range spans {
		for seq := s[1]; seq <= s[2]; seq++ {
			e := found[s.Level()][seq]
			if e.Key == "" {
				return nil, fmt.Errorf("entry %d of the ready log is gone", seq)
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// findEntries reads the wanted entries of one priority's log. It stops at the
// first place that cannot be read.
func findEntries(a *Dir, level uint8, wanted map[uint64]Entry) error {
	dir := LevelDir(level)
	end, err := segment.Extent(a.Root, dir)
	if err != nil || end == (segment.Pos{}) {
		return err
	}
	first, err := segment.Files(a.Root, dir)
	if err != nil {
		return err
	}
	log := segment.Look(a.Root, dir, a.ReadyLabel(level))
	for rec, err := range log.Scan(segment.Pos{File: first[0]}, end) {
		if err != nil {
			break
		}
		e, err := DecodeEntry(rec.Payload)
		if err != nil {
			break
		}
		if _, ok := wanted[e.Seq]; ok {
			wanted[e.Seq] = e
		}
	}
	return nil
}

// verifyRequests compares entries with those that precede their requests in the
// request log.
func verifyRequests(a *Dir, entries []Entry) error {
	var file OpenFile
	defer file.Close()
	for i := range entries {
		record, err := file.ReadRequest(a, entries[i].Ref)
		if errors.Is(err, fs.ErrNotExist) {
			err = segment.ErrDamaged
		}
		if err != nil {
			return fmt.Errorf("%s: %w", RequestDir, err)
		}
		e, err := DecodeRequest(record)
		if err != nil || e.Key != entries[i].Key || e.Content != entries[i].Content {
			return fmt.Errorf("%s: %w: the request of line %d is another", RequestDir, segment.ErrDamaged, entries[i].Line)
		}
	}
	return nil
}
