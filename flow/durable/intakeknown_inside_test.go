package durable

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// requestLog is a job that has read items, a group at a time.
type requestLog struct {
	*testing.T
	dir   *jobdir.Dir
	log   *segment.Log
	known knownItems
	rows  int
	same  bool // all rows ask the same
}

func newRequestLog(t *testing.T) *requestLog {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := &requestLog{T: t, dir: &jobdir.Dir{ID: "a-job", Root: root}}
	if l.log, err = segment.OpenLog(root, jobdir.RequestDir, l.dir.RequestsLabel(), jobdir.RequestFileSize, segment.Pos{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _, _ = l.known.forget(), l.log.Close(), root.Close() })
	return l
}

func (l *requestLog) source() *jobdir.SourceState {
	return &jobdir.SourceState{Rows: l.rows, End: l.log.End()}
}

// restart recalls the items as another process does.
func (l *requestLog) restart() error {
	l.Helper()
	if err := l.known.forget(); err != nil {
		l.Fatal(err)
	}
	l.known = knownItems{dir: l.dir, unwritten: 4}
	return l.known.recall(l.log, l.source(), false)
}

func keyOf(n int) string { return fmt.Sprintf("key-%d", n) }

func (l *requestLog) keep(items int) {
	l.Helper()
	var entries []jobdir.Entry
	for range items {
		e := jobdir.Entry{Key: keyOf(l.rows), Content: jobdir.Digest{byte(l.rows), 1}}
		if l.same {
			e.Content = jobdir.Digest{1}
		}
		l.rows++
		var err error
		if e.Ref, err = l.log.Append(e.RequestHead(), []byte("{}")); err != nil {
			l.Fatal(err)
		}
		if again, err := l.known.again(e.Content, e.Target); err != nil {
			l.Fatal(err)
		} else if !again {
			l.known.ask(e.Content, e.Target)
		}
		entries = append(entries, e)
	}
	record, err := json.Marshal(jobdir.Group{SourceState: *l.source()})
	if err != nil {
		l.Fatal(err)
	}
	if _, err = l.log.Append([]byte{jobdir.GroupKind}, record); err != nil {
		l.Fatal(err)
	}
	if err := l.log.Sync(); err != nil {
		l.Fatal(err)
	}
	if err := l.known.add(entries, l.log.End()); err != nil {
		l.Fatal(err)
	}
}

// wantKnown requires the items that were read to be known, and no others.
func (l *requestLog) wantKnown() {
	l.Helper()
	for n := range l.rows + 3 {
		_, found, err := l.known.find(keyOf(n))
		if err != nil || found != (n < l.rows) {
			l.Errorf("item %d of %d is known: %v, %v", n, l.rows, found, err)
		}
		if again, err := l.known.again(jobdir.Digest{byte(n), 1}, 0); err != nil || again != (n < l.rows) {
			l.Errorf("what item %d of %d asks was asked: %v, %v", n, l.rows, again, err)
		}
	}
}

func (l *requestLog) files() []string {
	l.Helper()
	names, err := fs.Glob(l.dir.Root.FS(), jobdir.SeenDir+"/*")
	if err != nil {
		l.Fatal(err)
	}
	return names
}

// Which items were read follows from the request log, whatever there is left of
// the files that have most of it.
func TestItemsAreRecalledFromTheRequestLog(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*os.Root, string) error{
		"nothing is lost": func(*os.Root, string) error { return nil },
		"a file is lost":  (*os.Root).Remove,
		"a file is empty": func(root *os.Root, name string) error { return root.WriteFile(name, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newRequestLog(t)
			if err := l.restart(); err != nil {
				t.Fatal(err)
			}
			for _, items := range []int{3, 4, 1, 5, 2, 4, 1} {
				l.keep(items)
				l.wantKnown()
				for _, file := range l.files() {
					if err := lose(l.dir.Root, file); err != nil {
						t.Fatal(err)
					}
					if err := l.restart(); err != nil {
						t.Fatal(err)
					}
					l.wantKnown()
				}
			}
			if len(l.files()) < 4 {
				t.Errorf("files %q", l.files())
			}
		})
	}
}

// Items that all ask the same are in the index of requests once, however they are
// recalled, and that index is not left behind.
func TestItemsThatAskTheSameAreOneRequest(t *testing.T) {
	t.Parallel()
	l := newRequestLog(t)
	l.same = true
	if err := l.restart(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		l.keep(4)
	}
	check := func() {
		t.Helper()
		if x := l.known.requests; x.Len() != 1 || x.UpTo() != l.known.items.UpTo() || x.UpTo() == (segment.Pos{}) {
			t.Errorf("the index has %d requests, up to %v, and the items up to %v", x.Len(), x.UpTo(), l.known.items.UpTo())
		}
		if again, err := l.known.again(jobdir.Digest{1}, 0); err != nil || !again {
			t.Errorf("the request is known: %v, %v", again, err)
		}
	}
	check()
	for _, file := range l.files() {
		if strings.Contains(file, "requests") {
			if err := l.dir.Root.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.restart(); err != nil {
		t.Fatal(err)
	}
	check()
	l.keep(4)
	check()
	if err := l.restart(); err != nil {
		t.Fatal(err)
	}
	check()
}

// A log that has other rows than the index says is refused.
func TestAnotherNumberOfItemsIsRefused(t *testing.T) {
	t.Parallel()
	l := newRequestLog(t)
	if err := l.restart(); err != nil {
		t.Fatal(err)
	}
	l.keep(5)
	if l.rows++; l.restart() == nil {
		t.Error("a row is lost")
	}
}
