package durable

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// temporaryDir makes the directory of a job that names none.
func temporaryDir() (*Dir, error) {
	parent, err := os.MkdirTemp("", "baler-")
	if err != nil {
		return nil, fmt.Errorf("durable: temporary directory: %w", err)
	}
	return &Dir{path: filepath.Join(parent, "state"), temporary: true}, nil
}

// remove removes a temporary directory.
func (d *Dir) remove() error {
	if !d.temporary {
		return nil
	}
	if err := os.RemoveAll(filepath.Dir(d.path)); err != nil {
		return fmt.Errorf("durable: remove the temporary directory: %w", err)
	}
	return nil
}

// needed reports whether the state is needed once this process has ended: the
// run is not at its end, or the provider has something that a later one must
// fetch or remove. Nothing of a run that has bought nothing is needed.
func (s *session) needed() bool {
	p := s.progress.now()
	bought := p.Batches > 0 || p.InFlight > 0
	over := s.progress.finished() || s.gate.cancelled() && p.InFlight == 0
	return bought && (!over || p.InFlight > 0 || s.cleaner.remote() != Remote{})
}

// keep says where the temporary directory of a run stays: in the log, in a
// notice and in the error, if there is one.
func (s *session) keep(ctx context.Context, err error) error {
	text := fmt.Sprintf("the state of the run %q stays in %s", s.name, s.store.Path())
	const advice = "run it again with this Dir"
	s.notices.raise(ctx, Notice{Kind: NoticeStorage, Tag: "temporary directory", Text: text, Advice: advice})
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s: %s", err, text, advice)
}
