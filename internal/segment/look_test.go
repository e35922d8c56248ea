package segment_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/internal/segment"
)

// A log can be read as far as it reaches, while nothing is cut off or appended.
func TestLookChangesNothing(t *testing.T) {
	root := openRoot(t)
	if end, err := segment.Extent(root, "log"); err != nil || end != (segment.Pos{}) {
		t.Errorf("of nothing: %v, %v", end, err)
	}
	l := openLog(t, root, 10) // each record in a file of its own
	for _, record := range []string{"one", "two", "three"} {
		appendRecord(t, l, record)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	end, err := segment.Extent(root, "log")
	if err != nil || end != l.End() {
		t.Fatalf("%v, %v, want %v", end, err, l.End())
	}
	look := segment.Look(root, "log", nil)
	n := 0
	for _, err := range look.Scan(segment.Pos{}, end) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d records", n)
	}
	if _, err := look.Append([]byte("four")); err == nil {
		t.Error("appended to a log that was opened to be read")
	}

	if err := os.Truncate(filepath.Join(root.Name(), "log", "00000003.seg"), 7); err != nil {
		t.Fatal(err)
	}
	end, err = segment.Extent(root, "log")
	if err != nil || end.Offset != 7 {
		t.Fatalf("%v, %v", end, err)
	}
	var last error
	for _, last = range look.Scan(segment.Pos{}, end) {
	}
	if !errors.Is(last, segment.ErrDamaged) {
		t.Errorf("of a torn end: %v", last)
	}
}
