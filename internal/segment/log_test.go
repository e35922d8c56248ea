package segment_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/balerhq/baler/internal/segment"
)

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func openLog(t *testing.T, root *os.Root, maxFile int64) *segment.Log {
	t.Helper()
	l, err := segment.OpenLog(root, "log", maxFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func appendRecord(t *testing.T, l *segment.Log, record string) segment.Ref {
	t.Helper()
	ref, err := l.Append([]byte(record[:len(record)/2]), []byte(record[len(record)/2:]))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func wantRecord(t *testing.T, l *segment.Log, ref segment.Ref, want string) {
	t.Helper()
	if got, err := l.Read(ref, nil); string(got) != want || err != nil {
		t.Errorf("read %q at %+v, %v; want %q", got, ref, err, want)
	}
}

func TestLogGoesOnInANewFileWhenOneIsFull(t *testing.T) {
	l := openLog(t, openRoot(t), 100)
	refs := make(map[string]segment.Ref)
	for n := range 40 {
		record := fmt.Sprintf("record %d", n)
		refs[record] = appendRecord(t, l, record)
		if n%3 == 0 {
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	files := make(map[uint32]bool)
	for record, ref := range refs {
		wantRecord(t, l, ref, record)
		if files[ref.File] = true; ref.Offset >= 100 {
			t.Errorf("a record begins at %d of a full file", ref.Offset)
		}
	}
	if len(files) < 5 {
		t.Errorf("%d files", len(files))
	}
}

// A record larger than the memory that waits for a write, and one that follows.
func TestLargeRecords(t *testing.T) {
	l := openLog(t, openRoot(t), 1<<30)
	large := string(make([]byte, 3<<20))
	one, two := appendRecord(t, l, large), appendRecord(t, l, "two")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	wantRecord(t, l, one, large)
	wantRecord(t, l, two, "two")
}

// A process that was killed leaves a torn file, to which nobody may append.
func TestReopenNeverAppendsToAnOldFile(t *testing.T) {
	root := openRoot(t)
	killed := openLog(t, root, 1<<20)
	old := appendRecord(t, killed, "old")
	if err := killed.Sync(); err != nil {
		t.Fatal(err)
	}
	appendRecord(t, killed, "never synced")
	next := openLog(t, root, 1<<20)
	fresh := appendRecord(t, next, "new")
	if err := next.Sync(); err != nil {
		t.Fatal(err)
	}
	if fresh.File <= old.File {
		t.Errorf("appended to file %d, the old one is %d", fresh.File, old.File)
	}
	wantRecord(t, next, old, "old")
	wantRecord(t, next, fresh, "new")
}

func TestLogNoticesEveryFlippedBit(t *testing.T) {
	root := openRoot(t)
	l := openLog(t, root, 1<<20)
	ref := appendRecord(t, l, "record")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(root.FS(), "log/*.seg")
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	path := filepath.Join(root.Name(), names[0])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(content []byte) error {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openLog(t, root, 1<<20)
		defer l.Close()
		_, err := l.Read(ref, nil)
		return err
	}
	for n := range 8 * len(whole) {
		damaged := append([]byte{}, whole...)
		damaged[n/8] ^= 1 << (n % 8)
		if err := try(damaged); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("bit %d: %v", n, err)
		}
	}
	for n := range whole {
		if err := try(whole[:n]); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if err := try(whole); err != nil {
		t.Fatalf("whole again: %v", err)
	}
}

func TestReadsOfWhatIsNotThere(t *testing.T) {
	l := openLog(t, openRoot(t), 1<<20)
	ref := appendRecord(t, l, "record")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		ref  segment.Ref
		want error
	}{
		"another file":   {segment.Ref{File: 9, Len: 6}, fs.ErrNotExist},
		"another offset": {segment.Ref{File: ref.File, Offset: 1, Len: 6}, segment.ErrDamaged},
		"another length": {segment.Ref{File: ref.File, Len: 5}, segment.ErrDamaged},
		"all of memory":  {segment.Ref{File: ref.File, Len: 1 << 31}, segment.ErrDamaged},
	} {
		if _, err := l.Read(tc.ref, nil); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func TestOthersReadWhileOneAppends(t *testing.T) {
	type written struct {
		ref    segment.Ref
		record string
	}
	l := openLog(t, openRoot(t), 2000)
	synced := make(chan written)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			var buf []byte
			for w := range synced {
				record, err := l.Read(w.ref, buf)
				if err != nil || string(record) != w.record {
					t.Errorf("read %q, %v; want %q", record, err, w.record)
					continue
				}
				buf = record
			}
		})
	}
	for n := range 500 {
		w := written{record: fmt.Sprintf("record %d", n)}
		w.ref = appendRecord(t, l, w.record)
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		synced <- w
	}
	close(synced)
	readers.Wait()
}

func TestAClosedLogTakesAndGivesNothing(t *testing.T) {
	l := openLog(t, openRoot(t), 1<<20)
	ref := appendRecord(t, l, "record")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if _, err := l.Read(ref, nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

func TestTooLargeARecordIsRefused(t *testing.T) {
	l := openLog(t, openRoot(t), 1<<20)
	part := make([]byte, segment.MaxRecord/2+1)
	if _, err := l.Append(part, part); err == nil {
		t.Error("no error for a record that ReadAll would refuse")
	}
}
