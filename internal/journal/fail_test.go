package journal

import (
	"errors"
	"os"
	"testing"
)

// A failed append may have left half a line, or a whole one that was not
// synced: nothing may follow it.
func TestAFailedWriteEndsTheJournal(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j, err := Open(root, "journal", "MINE", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append("kept"); err != nil {
		t.Fatal(err)
	}
	whole := j.f
	if j.f, err = root.Open("journal"); err != nil { // cannot be written to
		t.Fatal(err)
	}
	failure := j.Append("lost")
	if failure == nil {
		t.Fatal("no error")
	}
	if err := j.f.Close(); err != nil {
		t.Fatal(err)
	}
	j.f = whole // as if the disk had room again
	if err := j.Append("late"); !errors.Is(err, failure) {
		t.Errorf("append: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	if j, err = Open(root, "journal", "MINE", func(r []byte) error { got = append(got, string(r)); return nil }); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if len(got) != 1 || got[0] != `"kept"` {
		t.Errorf("holds %q", got)
	}
}
