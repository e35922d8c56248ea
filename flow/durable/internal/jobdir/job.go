package jobdir

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/journal"
)

// Job is the directory of a job and its replayed journal.
type Job struct {
	Dir
	*Replayed
}

// Open opens the directory of the job of that name and replays its journal,
// which has a few lines for each batch. The error is ErrNoRun if there is no
// such job.
func Open(state *os.Root, name string) (*Job, error) {
	meta, err := Find(state, name)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Private(state, meta.Keys().Dir()); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	root, err := state.OpenRoot(meta.Keys().Dir())
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	j := &Job{Dir{Path: state.Name(), Keys: meta.Keys(), ID: meta.ID, Root: root}, NewReplayed()}
	if err := journal.Read(root, JournalFile, meta.ID, j.Replay); err != nil {
		return nil, errors.Join(j.Damaged(JournalFile, err), root.Close())
	}
	return j, nil
}

// Providers returns the short names of the providers that the job has had routes
// at: the first is that of its first route.
func (j *Job) Providers() []string {
	var names []string
	if j.Meta != nil {
		names = append(names, j.Meta.Provider)
	}
	for _, r := range j.Routes {
		if r.Provider != "" && !slices.Contains(names, r.Provider) {
			names = append(names, r.Provider)
		}
	}
	return names
}

// Close closes the directory.
func (j *Job) Close() error { return j.Root.Close() }
