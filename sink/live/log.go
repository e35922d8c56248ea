package live

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/sink"
)

// logFile is the log of a batch's calls, in the directory of the batch. The
// batch exists once the file has its first line.
const logFile = "calls"

// entry is what the log says about one step of a batch. One of the fields is
// set.
type entry struct {
	Created  *created `json:"created,omitempty"`
	Asked    *int     `json:"asked,omitempty"`    // the row's call is about to go out
	Freed    *int     `json:"freed,omitempty"`    // the row was not answered, and waits again
	Answered *answer  `json:"answered,omitempty"` // the row is done
	Stopped  *stopped `json:"stopped,omitempty"`  // no more rows are asked
}

type created struct {
	At   time.Time `json:"at"`
	Rows int       `json:"rows"`
}

// answer is what became of a row.
type answer struct {
	Row    int             `json:"row"` // from 0
	ID     string          `json:"id"`
	Status int             `json:"status,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Err    *sink.RowError  `json:"error,omitempty"`
}

// stopped is why the other rows are not asked: nil for a cancellation, or the
// error that blocks the account.
type stopped struct {
	Err *sink.RowError `json:"error,omitempty"`
}

// callLog appends to the log of a batch. Entries that are appended at the same
// time share a line, which survives a crash as a whole or not at all, and its
// sync.
type callLog struct {
	journal *journal.Journal

	mu   sync.Mutex
	next *group

	turn sync.Mutex // one group at a time is written
}

// group is the entries of a line.
type group struct {
	entries []entry
	written bool
	err     error
}

// append returns once the entry would survive power failure.
func (l *callLog) append(e entry) error {
	g := l.join(e)
	l.turn.Lock()
	defer l.turn.Unlock()
	if !g.written {
		l.begin()
		g.err = l.journal.Append(g.entries)
		g.written = true
	}
	return g.err
}

func (l *callLog) join(e entry) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next.entries = append(l.next.entries, e)
	return l.next
}

// begin lets no more entries join the group that is about to be written.
func (l *callLog) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = new(group)
}

// openLog opens the log of the batch to append to it, and replays it.
func openLog(dir *os.Root, tag string, replay func(*entry) error) (*callLog, error) {
	j, err := journal.Open(dir, logFile, journalOf(tag), each(replay))
	if err != nil {
		return nil, err
	}
	return &callLog{journal: j, next: new(group)}, nil
}

// readLog replays the log of a batch, which may be appended to meanwhile.
func readLog(dir *os.Root, tag string, replay func(*entry) error) error {
	return journal.Read(dir, logFile, journalOf(tag), each(replay))
}

func each(replay func(*entry) error) func([]byte) error {
	return func(record []byte) error {
		var entries []entry
		if err := json.Unmarshal(record, &entries); err != nil {
			return fmt.Errorf("entry: %w", err)
		}
		for i := range entries {
			if err := replay(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// journalOf names the journal of a batch, in letters and digits.
func journalOf(tag string) string {
	return "live" + strings.NewReplacer("_", "", "-", "").Replace(tag)
}
