package rundir

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gofrs/flock"
)

func newTestDir(t *testing.T) Dir {
	t.Helper()
	path := t.TempDir()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	d := New(path, "tickets")
	l, err := d.Begin(root)
	if err := errors.Join(err, root.Close()); err != nil {
		t.Fatal(err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	return d
}

// Who only looks shares the lock: a run that starts waits for him for a moment,
// and nobody else takes him for a run.
func TestLookersShareTheLock(t *testing.T) {
	d := newTestDir(t)
	looker := flock.New(filepath.Join(d.Path, lockFile))
	if err := looker.RLock(); err != nil {
		t.Fatal(err)
	}
	if held, err := d.Locked(); held || err != nil {
		t.Errorf("held %t, %v", held, err)
	}
	started := make(chan error)
	go func() {
		l, err := d.lock()
		if err == nil {
			err = l.Unlock()
		}
		started <- err
	}()
	if err := looker.Unlock(); err != nil {
		t.Error(err)
	}
	if err := <-started; err != nil {
		t.Error(err)
	}
}

// Those who look whether a run is alive never keep it from starting, and always
// see it once it has.
func TestLookingAtTheLockIsHarmless(t *testing.T) {
	d := newTestDir(t)
	stop, looking := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		looking.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := d.Locked(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 300 {
		l, err := d.lock()
		if err != nil {
			t.Error(err)
			break
		}
		if held, err := d.Locked(); !held || err != nil {
			t.Errorf("held %t, %v", held, err)
		}
		if _, err := d.lock(); !errors.Is(err, ErrRunning) {
			t.Errorf("a second time: %v", err)
		}
		if err := l.Unlock(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	looking.Wait()
	if held, err := d.Locked(); held || err != nil {
		t.Errorf("at the end: held %t, %v", held, err)
	}
}
