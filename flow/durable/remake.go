package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
)

// checkBale reads the bale of a batch to its end.
func (a *files) checkBale(in intent.Intent) error {
	n := 0
	for _, err := range a.bale(in.Tag) {
		if err != nil {
			return err
		}
		n++
	}
	if n != in.Rows {
		return a.damaged(baleName(in.Tag), fmt.Errorf("it holds %d rows, and the journal says %d", n, in.Rows))
	}
	return nil
}

// needsBale reports whether there is something to do for which the rows of the
// batch have to be known.
func needsBale(in intent.Intent) bool { return !in.Done() && in.State != intent.Committed }

// mendBales makes the bales again that are damaged, and that the run needs.
func (e *engine) mendBales(ctx context.Context, told *memory) error {
	for _, in := range told.intents {
		if !needsBale(in) {
			continue
		}
		cause := e.checkBale(in)
		if cause == nil {
			continue
		}
		if err := e.remakeBale(in, told); err != nil {
			return errors.Join(cause, err)
		}
		e.log.WarnContext(ctx, "the file of a batch's rows was damaged, and made again", "tag", in.Tag, "error", cause)
	}
	return nil
}

// remakeBale makes the bale of a batch again: the journal says which entries of
// the ready queue it has claimed, and in which order. They are kept until it is
// done.
func (a *files) remakeBale(in intent.Intent, told *memory) error {
	entries, err := a.rowsOf(in, told)
	if err != nil {
		return fmt.Errorf("durable: it cannot be made again: %w", err)
	}
	return a.writeBale(in.Tag, entries, told.lanes[in.Lane])
}

// rowsOf finds the rows of a batch without its bale.
func (a *files) rowsOf(in intent.Intent, told *memory) ([]entry, error) {
	entries, err := a.claimed(told.claims[in.Tag])
	if err == nil && (len(entries) != in.Rows || in.Lane >= len(told.lanes)) {
		err = errors.New("the journal does not say which rows it had")
	}
	if err == nil {
		err = a.verifyRequests(entries)
	}
	return entries, err
}

// claimed reads the entries that were claimed from the ready queue. Of several
// with a number the last one counts: what an index that was made again has
// numbered follows what there was before.
func (a *files) claimed(spans []claimSpan) ([]entry, error) {
	found := make(map[uint8]map[uint64]entry)
	n := 0
	for _, s := range spans {
		if found[s.level()] == nil {
			found[s.level()] = make(map[uint64]entry)
		}
		for seq := s[1]; seq <= s[2]; seq++ {
			found[s.level()][seq] = entry{}
			n++
		}
	}
	for level, wanted := range found {
		if err := a.findEntries(level, wanted); err != nil {
			return nil, err
		}
	}
	entries := make([]entry, 0, n)
	for _, s := range spans {
		for seq := s[1]; seq <= s[2]; seq++ {
			e := found[s.level()][seq]
			if e.key == "" {
				return nil, fmt.Errorf("entry %d of the ready queue is gone", seq)
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// findEntries reads the entries of a level whose numbers are wanted. What stands
// behind a place that cannot be read is not found.
func (a *files) findEntries(level uint8, wanted map[uint64]entry) error {
	dir := levelDir(level)
	end, err := segment.Extent(a.root, dir)
	if err != nil || end == (segment.Pos{}) {
		return err
	}
	first, err := segment.Files(a.root, dir)
	if err != nil {
		return err
	}
	log := segment.Look(a.root, dir, a.readyLabel(level))
	for rec, err := range log.Scan(segment.Pos{File: first[0]}, end) {
		if err != nil {
			break
		}
		e, err := decodeEntry(rec.Payload)
		if err != nil {
			break
		}
		if _, ok := wanted[e.seq]; ok {
			wanted[e.seq] = e
		}
	}
	return nil
}

// verifyRequests compares entries with what stands before their requests.
func (a *files) verifyRequests(entries []entry) error {
	var file openFile
	defer file.close()
	for i := range entries {
		record, err := file.readRequest(a, entries[i].ref)
		if errors.Is(err, fs.ErrNotExist) {
			err = segment.ErrDamaged
		}
		if err != nil {
			return fmt.Errorf("%s: %w", requestDir, err)
		}
		e, err := decodeRequest(record)
		if err != nil || e.key != entries[i].key || e.content != entries[i].content {
			return fmt.Errorf("%s: %w: the request of line %d is another", requestDir, segment.ErrDamaged, entries[i].line)
		}
	}
	return nil
}
