package durable

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/balerhq/baler/flow/state"
)

// sharedStore is the index of a directory as one of its users has it.
type sharedStore struct {
	*state.Dir
	release func() error
}

// Close implements state.Store. The last user closes the index.
func (s *sharedStore) Close() error { return s.release() }

// indexes are those that this process has open, by path: Badger can be open
// once only, and the jobs of a process share it.
var indexes = struct {
	sync.Mutex
	byPath map[string]*openIndex
}{byPath: make(map[string]*openIndex)}

// openIndex is the index of one directory.
type openIndex struct {
	path       string // that indexes has it by
	claimed    int    // users, and those that wait to be one; guarded by indexes
	sync.Mutex        // held while the index is opened and closed
	store      *state.Dir
	rooms      *rooms // of its jobs; nil until the first begins
	users      int
}

// hold opens the index unless this process has it open already. The caller must
// call release, which may be called again.
func (d *Dir) hold() (store *state.Dir, release func() error, err error) {
	x := claim(realPath(d.path))
	x.Lock()
	defer x.Unlock()
	if x.users == 0 {
		if x.store, err = state.Open(d.path, d.config); err != nil {
			x.unclaim()
			return nil, nil, err
		}
	}
	x.users++
	return x.store, sync.OnceValue(x.release), nil
}

// release closes the index if nobody else uses it.
func (x *openIndex) release() (err error) {
	x.Lock()
	defer x.Unlock()
	defer x.unclaim()
	if x.users--; x.users == 0 {
		x.rooms = nil
		err = x.store.Close()
	}
	return err
}

// roomsOf returns what the jobs of the directory share, while its index is
// held.
func (d *Dir) roomsOf(ctx context.Context, log *slog.Logger) *rooms {
	x := claim(realPath(d.path))
	defer x.unclaim()
	x.Lock()
	defer x.Unlock()
	if x.rooms == nil {
		x.rooms = newRooms()
		x.rooms.recover(ctx, x.store, log)
	}
	return x.rooms
}

func claim(path string) *openIndex {
	indexes.Lock()
	defer indexes.Unlock()
	x := indexes.byPath[path]
	if x == nil {
		x = &openIndex{path: path}
		indexes.byPath[path] = x
	}
	x.claimed++
	return x
}

func (x *openIndex) unclaim() {
	indexes.Lock()
	defer indexes.Unlock()
	if x.claimed--; x.claimed == 0 {
		delete(indexes.byPath, x.path)
	}
}

// realPath returns the path without links, as far as it exists.
func realPath(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	rest := ""
	for dir := abs; ; dir = filepath.Dir(dir) {
		if found, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(found, rest)
		}
		if dir == filepath.Dir(dir) {
			return abs
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
}
