package rundir

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/atomicfile"
)

// ErrRunning means that the run is under way already, here or in another
// process.
var ErrRunning = errors.New("durable: the run is under way already")

// Dir is the directory through which any process reaches a run. The index
// belongs to the process that has the state directory open, so the run has
// small files beside it. They outlive the epochs of the job. Except for an
// input, they hold states and counts, never a request or a result; but the
// reason why a run stopped is an error's text, and a provider's error may quote
// a request.
//
//	lock          held by the process that runs it, for as long as it does
//	control.json  what is wanted of the run; control.lock guards its changes
//	control.copy  the same, written before, in case that the other is lost
//	decisions.json  what was decided about rows without a result, likewise
//	status.json   how far the run is; written by the process that runs it
//	input-DIGEST  an input that cannot be read again, until the run is pruned
type Dir struct{ Path string }

// The files of a run, in a directory of its own below RunsDir.
const (
	RunsDir     = "runs"
	lockFile    = "lock"
	ControlFile = "control.json"
	ControlCopy = "control.copy"
	controlLock = "control.lock"

	DecisionsFile = "decisions.json"
	StatusFile    = "status.json"
	ReuseFile     = "reuse.json"
)

// New returns the directory of a run of that name.
func New(stateDir, name string) Dir {
	h := jobdir.HashKey(name)
	return Dir{filepath.Join(stateDir, RunsDir, hex.EncodeToString(h[:8]))}
}

// Begin makes the directory and takes the lock.
func (d Dir) Begin(root *os.Root) (*flock.Flock, error) {
	if err := d.Make(root); err != nil {
		return nil, err
	}
	return d.lock()
}

// Make makes the directory, unless it is there.
func (d Dir) Make(root *os.Root) error {
	if err := atomicfile.Private(root, RunsDir); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	for _, name := range []string{RunsDir, filepath.Join(RunsDir, filepath.Base(d.Path))} {
		if err := atomicfile.Mkdir(root, name); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("durable: %w", err)
		}
		if err := atomicfile.SyncDir(root, filepath.Dir(name)); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
	}
	return nil
}

// lock takes the lock, or returns ErrRunning.
func (d Dir) lock() (*flock.Flock, error) {
	l := flock.New(filepath.Join(d.Path, lockFile))
	for {
		locked, err := l.TryLock()
		if locked {
			return l, nil
		}
		shared := false
		if err == nil {
			shared, err = l.TryRLock() // succeeds if others only check the lock for a moment
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("durable: lock the run: %w", err)
		case !shared:
			return nil, ErrRunning
		}
		if err := l.Unlock(); err != nil {
			return nil, fmt.Errorf("durable: lock the run: %w", err)
		}
	}
}

// Locked reports whether a process runs the run.
func (d Dir) Locked() (bool, error) {
	l := flock.New(filepath.Join(d.Path, lockFile), flock.SetFlag(os.O_RDONLY))
	free, err := l.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("durable: check the run's lock: %w", err)
	case !free:
		return true, nil
	}
	return false, l.Unlock()
}

// runFile is the content of a file of a run: the run, the file's name, a
// checksum and the value.
type runFile struct {
	Format int             `json:"format"`
	Run    string          `json:"run"`  // the directory's name
	File   string          `json:"file"` // which of its files
	Sum    string          `json:"sum"`
	Value  json.RawMessage `json:"value"`
}

func (f *runFile) sum() string {
	return fmt.Sprintf("%08x", crc32.Checksum(fmt.Appendf(nil, "%d %s %s %s", f.Format, f.Run, f.File, f.Value), jobdir.Castagnoli))
}

// Name returns the name by which the files refer to the run.
func (d Dir) Name() string { return filepath.Base(d.Path) }

// Read reads a file, if there is one.
func (d Dir) Read(name string, v any) (found bool, err error) {
	path := filepath.Join(d.Path, name)
	b, err := readReal(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("durable: %w", err)
	}
	if err := d.decode(name, b, v); errors.Is(err, jobdir.ErrVersion) {
		return false, fmt.Errorf("durable: %s: %w", path, err)
	} else if err != nil {
		advice := "remove the file, and request the state of the run again"
		switch name {
		case StatusFile:
			advice = "it is written again when the run continues"
		case ReuseFile:
			advice = "it only counts answers that were given again, and is begun anew"
		}
		return false, fmt.Errorf("%w: %s: %w: %s", state.ErrDamaged, path, err, advice)
	}
	return true, nil
}

// readReal reads a file and refuses a link.
func readReal(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: put a real one in its place", path, atomicfile.ErrLink)
	}
	return os.ReadFile(path)
}

func (d Dir) decode(name string, b []byte, v any) error {
	var f runFile
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	switch {
	case f.Sum != f.sum():
		return errors.New("its checksum is wrong")
	case f.Format != jobdir.FileFormat:
		return fmt.Errorf("it has format %d, and this program reads %d: %w", f.Format, jobdir.FileFormat, jobdir.ErrVersion)
	case f.Run != d.Name():
		return errors.New("it belongs to another run")
	case f.File != name:
		return fmt.Errorf("it is the file %.40q", f.File)
	}
	return json.Unmarshal(f.Value, v)
}

// Write replaces a file, durably.
func (d Dir) Write(name string, v any) error {
	f := runFile{Format: jobdir.FileFormat, Run: d.Name(), File: name}
	var err error
	if f.Value, err = json.Marshal(v); err != nil {
		return fmt.Errorf("durable: encode %s: %w", name, err)
	}
	f.Sum = f.sum()
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("durable: encode %s: %w", name, err)
	}
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := errors.Join(atomicfile.Write(root, name, append(b, '\n')), root.Close()); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}
