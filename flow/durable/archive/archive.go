package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
)

// Archive reads what a state directory keeps of a run: its requests, batches
// and answers. It reads only files, so the run may be under way in this process
// or another, or may have ended long ago. It shows what was settled when it was
// opened. Its methods may be called concurrently.
type Archive struct {
	*jobdir.Job
	cancelled bool // for good
	answer    func() llm.Answer
}

// Open opens the archive of the run of that name. The error is ErrNoRun if
// there is none. The caller must call Close. Open reads the journal of the run,
// which has a few lines for each batch.
func Open(dir *durable.Dir, name string) (*Archive, error) {
	root, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(dir, root, name)
	return a, errors.Join(err, root.Close())
}

func openRoot(dir *durable.Dir) (*os.Root, error) {
	root, err := os.OpenRoot(dir.Path())
	if err != nil {
		return nil, fmt.Errorf("durable: state directory: %w", err)
	}
	return root, nil
}

func openArchive(dir *durable.Dir, root *os.Root, name string) (*Archive, error) {
	if _, err := jobdir.Find(root, name); err != nil {
		return nil, err
	}
	cancelled, err := isCancelled(dir, name) // first: nothing is settled after a run is cancelled
	if err != nil {
		return nil, err
	}
	j, err := jobdir.Open(root, name)
	if err != nil {
		return nil, err
	}
	a := &Archive{Job: j, cancelled: cancelled}
	a.answer = answerOf(a)
	return a, nil
}

func isCancelled(dir *durable.Dir, name string) (bool, error) {
	run, err := dir.Attach(name)
	if errors.Is(err, durable.ErrNoRun) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s, err := run.Status()
	return s.State == durable.StateCancelled, err
}

// Name returns the name of the run.
func (a *Archive) Name() string { return a.Meta.Name }

// Provider returns the short name of the run's provider.
func (a *Archive) Provider() string { return a.Meta.Provider }

// Setting returns what the run's Job.Settings say under a name. Of a long
// setting that may be its hash.
func (a *Archive) Setting(name string) string { return a.Meta.Settings[name] }

// Schema returns the JSON Schema of the run's Job.Answer, nil if it has none.
func (a *Archive) Schema() json.RawMessage {
	if text := a.Meta.Settings[jobdir.SchemaSetting]; text != "" {
		return json.RawMessage(text)
	}
	return nil
}

// Close closes the directory.
func (a *Archive) Close() error { return a.Root.Close() }

// isPruned returns ErrPruned with the date.
func isPruned(a *Archive) error {
	return fmt.Errorf("%w: %q, on %s", ErrPruned, a.Meta.Name, a.Pruned.At.Format(time.RFC1123))
}
