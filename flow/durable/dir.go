package durable

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/balerhq/baler/flow/state"
)

// Dir is a state directory: it has what jobs remember across a crash, and what
// other processes see of their runs. Any number of jobs of one process use it
// at the same time. While one of them runs, the index of the directory is
// locked for this process: in another one, methods that need it return
// state.ErrInUse. A Dir need not be closed.
type Dir struct {
	path      string
	config    state.Config
	temporary bool // it is removed when its run is over
}

// Open returns the state directory at path. It is made, private to this user,
// when a job first needs it. It must be on a local disk. If there is something
// at path, it must be a state directory that no other user can enter, or an
// empty one.
func Open(path string) (*Dir, error) {
	if err := state.Check(path); err != nil {
		return nil, err
	}
	return &Dir{path: path}, nil
}

// With returns the same directory, whose index is opened with another Config
// than the zero one, unless this process has it open already.
func (d *Dir) With(c state.Config) *Dir { return &Dir{path: d.path, config: c} }

// Config returns the Config with which the index is opened. It has a Log.
func (d *Dir) Config() state.Config {
	c := d.config
	c.Log = cmp.Or(c.Log, slog.Default())
	return c
}

// Path returns the path that Open was given.
func (d *Dir) Path() string { return d.path }

// Store opens the index of the directory, for queues, limits and whatever else
// is to be kept beside the jobs. It holds the index for this process until it
// is closed, also between two runs.
func (d *Dir) Store() (state.Store, error) {
	store, release, err := d.hold()
	if err != nil {
		return nil, err
	}
	return &sharedStore{store, release}, nil
}

// use calls do with the open index.
func (d *Dir) use(do func(*state.Dir) error) (err error) {
	store, release, err := d.hold()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return do(store)
}
