package durable

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/ready"
	"github.com/balerhq/baler/internal/segment"
)

// maxSection limits how many followers are looked at together. Each takes about
// 60 bytes of memory meanwhile.
const maxSection = 500_000

// pass goes through the followers that wait, in sections. The answers that a
// section wants are found first.
type pass struct {
	last   bool           // all that gets no answer is sent
	open   map[asked]bool // by batches that are open, if it is the last
	chosen map[asked]bool // sent in this pass, if it is the last

	at, until segment.Pos // the rest of the section
	answers   map[asked]ownAnswer
}

// ownAnswer is an answer of this job; Hit is nil if there is none.
type ownAnswer struct {
	*jobdir.Hit
	failed bool
}

// next begins the next section if one is over. It returns false if no follower
// is left.
func (f *followers) next() (more bool, err error) {
	p := f.pass
	if p.answers != nil && p.at != p.until {
		return true, nil
	}
	if p.last && p.open == nil {
		if p.open, err = f.openAsked(); err != nil {
			return false, err
		}
		p.last = !f.batches.ready.Any() // else a batch has just ended that had waited for a person
	}
	p.answers = make(map[asked]ownAnswer)
	for n := 0; n < maxSection; {
		entries, next, err := f.batches.ready.Followers(p.until, segment.Pos{}, ready.LoadChunk)
		if err != nil {
			return false, err
		}
		if len(entries) == 0 {
			break
		}
		if err := f.batches.routes.choose(entries); err != nil {
			return false, err
		}
		for i := range entries {
			p.answers[askedBy(&entries[i])] = ownAnswer{}
		}
		n, p.until = n+len(entries), next
	}
	if len(p.answers) == 0 {
		return false, nil
	}
	if f.samples {
		return true, nil // all are sent
	}
	return true, f.findAnswers(p.answers)
}

// openAsked returns what the rows of open batches ask.
func (f *followers) openAsked() (map[asked]bool, error) {
	all := make(map[asked]bool)
	for _, in := range f.openBatches.intents() {
		for row, err := range f.Rows(in.Tag) {
			if err != nil {
				return nil, err
			}
			all[asked{row.Content, uint16(in.Route)}] = true //nolint:gosec // as it was numbered
		}
	}
	return all, nil
}

// findAnswers finds the answers that this job has bought.
func (f *followers) findAnswers(wanted map[asked]ownAnswer) error {
	files, err := fs.ReadDir(f.Root.FS(), jobdir.AnswerDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("durable: %w", err)
	}
	for _, file := range files {
		h, answers, err := jobdir.ReadAnswers(f.Root, jobdir.AnswerName(file.Name()), f.ID, true)
		if err != nil {
			f.log.Warn("answers cannot be read", "tag", file.Name(), "error", err)
			continue // their followers are sent
		}
		batch := &jobdir.AnsweredBatch{AnswerHeader: h, Job: f.Keys.Dir(), Tag: file.Name()}
		for n := range f.batches.routes.count() {
			if h.Route == f.batches.routes.get(n) {
				batchAnswers(wanted, uint16(n), batch, answers) //nolint:gosec // as it is numbered
			}
		}
	}
	return nil
}

// batchAnswers notes the wanted answers of a batch. A success comes before a
// failure.
func batchAnswers(wanted map[asked]ownAnswer, route uint16, batch *jobdir.AnsweredBatch, answers []jobdir.Answer) {
	for _, a := range answers {
		k := asked{a.Content, route}
		if had, ok := wanted[k]; ok && (had.Hit == nil || had.failed && !a.Failed()) {
			wanted[k] = ownAnswer{&jobdir.Hit{AnsweredBatch: batch, Offset: a.Place()}, a.Failed()}
		}
	}
}
