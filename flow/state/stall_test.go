package state

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Badger repeats for ever what fails, and says so to its logger alone.
func TestBadgerTriesInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &trouble{}
		l := badgerLog{slog.New(slog.DiscardHandler), tr}
		never := make(chan struct{})
		go func() {
			for range 60 {
				l.Errorf("error flushing memtable to disk: %v, retrying", errors.New("no space left on device"))
				time.Sleep(time.Second)
			}
		}()
		began := time.Now()
		err := tr.wait(never)
		if !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("err = %v", err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("after %s", took)
		}
		if err := tr.stalled(0); !errors.Is(err, ErrStalled) {
			t.Errorf("afterwards: %v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestTroubleThatPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &trouble{}
		for range 5 {
			tr.note("error flushing memtable to disk, retrying")
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		tr.note("error flushing memtable to disk, retrying")
		if err := tr.stalled(stallLimit - time.Second); err != nil {
			t.Errorf("it gave up: %v", err)
		}
		if err := tr.stalled(stallLimit); !errors.Is(err, ErrStalled) {
			t.Errorf("a write for ever: %v", err)
		}
	})
}
