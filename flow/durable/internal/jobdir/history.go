package jobdir

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/balerhq/baler/internal/journal"
)

// History is the complete content of a journal: the state of each batch, which
// of its rows were delivered, and which were retried.
type History struct {
	Replayed
	Settled []Settled // those that were not undone or replaced, in order
}

// ReadHistory reads the journal of a job, nil if the job has not begun.
func (a *Dir) ReadHistory() (*History, error) {
	h := &History{Replayed: *NewReplayed()}
	switch err := journal.Read(a.Root, JournalFile, "", h.replay); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, mustBeEmpty(a)
	case err != nil:
		return nil, a.Damaged(JournalFile, err)
	case h.Meta == nil && len(h.Targets) == 0 && len(h.Intents) == 0:
		return nil, mustBeEmpty(a)
	case h.Meta == nil:
		return nil, a.Damaged(JournalFile, errors.New("its first line is lost, and with it whose it is"))
	case h.Meta.Keys() != a.Keys:
		return nil, a.Damaged(JournalFile, fmt.Errorf("it belongs to the job %q", h.Meta.Name))
	}
	a.ID = h.Meta.ID
	return h, nil
}

// mustBeEmpty refuses a job whose journal is empty although its directory holds
// files.
func mustBeEmpty(a *Dir) error {
	for _, dir := range []string{RequestDir, ManifestDir, ResultDir} {
		files, err := fs.ReadDir(a.Root.FS(), dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("durable: %w", err)
		}
		if len(files) > 0 {
			return a.Damaged(JournalFile, errors.New("it is gone, and with it which batches were bought and which results were delivered"))
		}
	}
	return nil
}

func (h *History) replay(record []byte) error {
	l, err := DecodeLine(record)
	if err != nil {
		return err
	}
	switch {
	case l.Settled != nil:
		h.settle(*l.Settled)
	case l.Output != nil:
		if err := h.undo(*l.Output); err != nil {
			return err
		}
	}
	return h.Replay(record)
}

// settle adds a line. It replaces lines of the same batch that begin at the
// same row or later.
func (h *History) settle(s Settled) {
	h.Settled = slices.DeleteFunc(h.Settled, func(was Settled) bool { return was.Tag == s.Tag && was.From >= s.From })
	h.Settled = append(h.Settled, s)
}

// undo takes back the chunk that was delivered after this state of the output.
// It can be one chunk at most, because the next one begins only after the store
// has followed.
func (h *History) undo(to OutputState) error {
	last := len(h.Settled) - 1
	switch {
	case last < 0 || h.Settled[last].Output.Equal(to):
		return nil
	case last == 0 && to.Settled() == 0, last > 0 && h.Settled[last-1].Output.Equal(to):
		h.Settled = h.Settled[:last]
		return nil
	}
	if was := h.Settled[last].Output; was.Settled() == to.Settled() {
		if was.Mark = to.Mark; was.Equal(to) { // what follows goes to another output
			h.Settled[last].Output = to
			return nil
		}
	}
	return errors.New("results were taken back that had been recorded")
}

// Last returns the last settled chunk of the batch.
func (h *History) Last(tag string) Settled {
	for _, s := range slices.Backward(h.Settled) {
		if s.Tag == tag {
			return s
		}
	}
	return Settled{Tag: tag}
}
