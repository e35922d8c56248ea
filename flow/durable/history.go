package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/balerhq/baler/internal/journal"
)

// history is all that a journal tells: where each batch stands, which of its rows
// were handed on, and which went again.
type history struct {
	memory
	settled []settled // those that count, in order
}

// readHistory reads the journal of a job, nil if the job has not begun.
func (a *files) readHistory() (*history, error) {
	h := &history{memory: *newMemory()}
	switch err := journal.Read(a.root, journalFile, "", h.replay); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, a.mustBeEmpty()
	case err != nil:
		return nil, a.damaged(journalFile, err)
	case h.job == nil && len(h.lanes) == 0 && len(h.intents) == 0:
		return nil, a.mustBeEmpty()
	case h.job == nil:
		return nil, a.damaged(journalFile, errors.New("its first line is lost, and with it whose it is"))
	case h.job.keys() != a.keys:
		return nil, a.damaged(journalFile, fmt.Errorf("it is of the job %q", h.job.Name))
	}
	a.id = h.job.ID
	return h, nil
}

// mustBeEmpty refuses a job whose journal says nothing but that has done something.
func (a *files) mustBeEmpty() error {
	for _, dir := range []string{requestDir, baleDir, resultDir} {
		files, err := fs.ReadDir(a.root.FS(), dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("durable: %w", err)
		}
		if len(files) > 0 {
			return a.damaged(journalFile, errors.New("it is gone, and with it which batches were bought and which results handed on"))
		}
	}
	return nil
}

func (h *history) replay(record []byte) error {
	var l logged
	if err := json.Unmarshal(record, &l); err != nil {
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
	return h.memory.replay(record)
}

// settle adds a line. One that begins where an earlier one did replaces it.
func (h *history) settle(s settled) {
	h.settled = slices.DeleteFunc(h.settled, func(was settled) bool { return was.Tag == s.Tag && was.From >= s.From })
	h.settled = append(h.settled, s)
}

// undo takes back what was handed on behind an output. No more than one chunk can
// have been: the next is not begun before the store knows of it.
func (h *history) undo(to outputState) error {
	last := len(h.settled) - 1
	switch {
	case last < 0 || h.settled[last].Output == to:
		return nil
	case last == 0 && to.settled() == 0, last > 0 && h.settled[last-1].Output == to:
		h.settled = h.settled[:last]
		return nil
	}
	return errors.New("results were taken back that had been recorded")
}

// last is the last chunk of the batch that was settled.
func (h *history) last(tag string) settled {
	for _, s := range slices.Backward(h.settled) {
		if s.Tag == tag {
			return s
		}
	}
	return settled{Tag: tag}
}
