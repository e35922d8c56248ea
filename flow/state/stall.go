package state

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrStalled means that the index has taken no write for so long that none can
// be expected to be. What was committed before is safe. The process should end.
var ErrStalled = errors.New("state: the index takes no writes")

// How long Badger may try in vain, and a write may take.
const (
	stallAfter = 5 * time.Second
	stallLimit = 45 * time.Second
	stallCheck = time.Second
)

// trouble is what Badger has failed to do again and again. It tries for ever,
// as when a full disk has no room for a table, and tells nobody but its logger.
type trouble struct {
	mu          sync.Mutex
	first, last time.Time
	text        string
	gaveUp      bool
}

// note takes in an error that Badger has logged.
func (t *trouble) note(text string) {
	if !strings.Contains(text, "retrying") && !strings.Contains(text, "doCompact") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.last) > 5*stallCheck {
		t.first = now
	}
	t.last, t.text = now, text
}

// stalled is ErrStalled if Badger has tried for long enough, or a write has
// taken so long.
func (t *trouble) stalled(waited time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	failing := time.Since(t.last) < 5*stallCheck && t.last.Sub(t.first) >= stallAfter
	if !failing && waited < stallLimit && !t.gaveUp {
		return nil
	}
	t.gaveUp = true
	if t.text == "" {
		return fmt.Errorf("%w: one took longer than %s", ErrStalled, stallLimit)
	}
	return fmt.Errorf("%w: %s", ErrStalled, t.text)
}

// wait waits for done, as long as Badger does not try in vain.
func (t *trouble) wait(done <-chan struct{}) error {
	tick := time.NewTicker(stallCheck)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-tick.C:
		}
		if err := t.stalled(0); err != nil {
			return err
		}
	}
}
