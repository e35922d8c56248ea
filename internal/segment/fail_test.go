package segment

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// Once a write or a sync has failed nobody knows what the disk holds. To go on
// would put later records where their Ref does not say, or report as synced
// what the kernel has dropped.
func TestAFailedWriteEndsTheLog(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	l, err := OpenLog(root, "log", nil, 1<<20, Pos{})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := l.Append([]byte("kept"))
	if err == nil {
		err = l.Sync()
	}
	if err != nil {
		t.Fatal(err)
	}
	whole := l.cur
	if l.cur, err = root.Open(l.name(l.num)); err != nil { // cannot be written to
		t.Fatal(err)
	}
	if _, err := l.Append([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	failure := l.Sync()
	if _, ok := errors.AsType[*fs.PathError](failure); !ok {
		t.Fatalf("sync: %v", failure)
	}
	if err := l.cur.Close(); err != nil {
		t.Fatal(err)
	}
	l.cur = whole // as if the disk had room again
	if _, err := l.Append([]byte("x")); !errors.Is(err, failure) {
		t.Errorf("append: %v", err)
	}
	if err := l.Sync(); !errors.Is(err, failure) {
		t.Errorf("sync: %v", err)
	}
	r := l.NewReader()
	defer r.Close()
	if got, err := r.Read(ref); string(got) != "kept" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
