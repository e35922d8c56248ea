package journal

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// What is appended while the disk is busy is written at once, and each caller
// learns how that went.
func TestLinesThatWaitAreWrittenTogether(t *testing.T) {
	const n = 20
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j, err := Open(root, "journal", "MINE", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, fails := range []bool{false, true} {
		if fails {
			_ = j.f.Close() // so that nothing can be written
		}
		j.disk.Lock()
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				if err := j.Append("a line"); (err != nil) != fails {
					t.Errorf("append: %v", err)
				}
			})
		}
		g := waiting(j, n)
		j.disk.Unlock()
		all.Wait()
		if !g.written || j.next == g || len(j.next.lines) > 0 {
			t.Errorf("group %+v was not written as a whole: %+v", g, j.next)
		}
	}
	b, err := root.ReadFile("journal")
	if lines := strings.Count(string(b), "\n"); err != nil || lines != n {
		t.Errorf("%d lines, %v", lines, err)
	}
}

// waiting returns the next group when it has so many lines.
func waiting(j *Journal, n int) *group {
	for {
		j.mu.Lock()
		g, lines := j.next, strings.Count(string(j.next.lines), "\n")
		j.mu.Unlock()
		if lines == n {
			return g
		}
		runtime.Gosched()
	}
}
