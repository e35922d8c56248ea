package segment_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	return reopenLog(t, root, maxFile, segment.Pos{})
}

func reopenLog(t *testing.T, root *os.Root, maxFile int64, end segment.Pos) *segment.Log {
	t.Helper()
	l, err := segment.OpenLog(root, "log", nil, maxFile, end)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func read(l *segment.Log, ref segment.Ref) (string, error) {
	r := l.NewReader()
	record, err := r.Read(ref)
	return string(record), errors.Join(err, r.Close())
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
	if got, err := read(l, ref); got != want || err != nil {
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

// What a killed process left behind the end is gone, even if it reached into
// further files, and the log goes on where it ended.
func TestReopenCutsOffWhatWasNotAcknowledged(t *testing.T) {
	root := openRoot(t)
	killed := openLog(t, root, 40)
	old := appendRecord(t, killed, "acknowledged")
	if err := killed.Sync(); err != nil {
		t.Fatal(err)
	}
	end := killed.End()
	for n := range 10 {
		appendRecord(t, killed, fmt.Sprintf("never acknowledged %d", n))
	}
	if err := killed.Sync(); err != nil {
		t.Fatal(err)
	}
	next := reopenLog(t, root, 40, end)
	fresh := appendRecord(t, next, "new")
	if err := next.Sync(); err != nil {
		t.Fatal(err)
	}
	wantRecord(t, next, old, "acknowledged")
	wantRecord(t, next, fresh, "new")
	if got := scan(t, next, segment.Pos{}, next.End()); !slices.Equal(got, []string{"acknowledged", "new"}) {
		t.Errorf("%q", got)
	}
}

func TestALogThatEndsTooEarlyIsDamaged(t *testing.T) {
	root := openRoot(t)
	l := openLog(t, root, 1<<20)
	appendRecord(t, l, "record")
	end := l.End()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]segment.Pos{
		"another file": {File: 2},
		"a longer one": {File: end.File, Offset: end.Offset + 1},
	} {
		if _, err := segment.OpenLog(root, "log", nil, 1<<20, wrong); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	reopenLog(t, root, 1<<20, end)
}

func scan(t *testing.T, l *segment.Log, from, to segment.Pos) (records []string) {
	t.Helper()
	for rec, err := range l.Scan(from, to) {
		if err != nil {
			t.Fatal(err)
		}
		wantRecord(t, l, rec.Ref, string(rec.Payload))
		records = append(records, string(rec.Payload))
	}
	return records
}

// From every place to every other, over several files, dropped ones excepted.
func TestScanYieldsWhatIsBetween(t *testing.T) {
	l := openLog(t, openRoot(t), 60)
	places, want := []segment.Pos{{}}, []string(nil)
	for n := range 20 {
		want = append(want, fmt.Sprintf("record %d", n))
		appendRecord(t, l, want[n])
		places = append(places, l.End())
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	for i := range places {
		for j := i; j < len(places); j++ {
			if got := scan(t, l, places[i], places[j]); !slices.Equal(got, want[i:j]) {
				t.Fatalf("from %d to %d: %q", i, j, got)
			}
		}
	}
	if err := l.Drop(places[10]); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, l, places[10], l.End()); !slices.Equal(got, want[10:]) {
		t.Errorf("after a drop: %q", got)
	}
	for _, err := range l.Scan(segment.Pos{}, l.End()) {
		if !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("from the beginning, which is gone: %v", err)
		}
	}
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
		_, err := read(l, ref)
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
		"another file":   {segment.Ref{File: 9, Len: 6}, segment.ErrDamaged},
		"another offset": {segment.Ref{File: ref.File, Offset: 1, Len: 6}, segment.ErrDamaged},
		"another length": {segment.Ref{File: ref.File, Len: 5}, segment.ErrDamaged},
		"all of memory":  {segment.Ref{File: ref.File, Len: 1 << 31}, segment.ErrDamaged},
	} {
		if _, err := read(l, tc.ref); !errors.Is(err, tc.want) {
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
			r := l.NewReader()
			defer r.Close()
			for w := range synced {
				record, err := r.Read(w.ref)
				if err != nil || string(record) != w.record {
					t.Errorf("read %q, %v; want %q", record, err, w.record)
				}
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

func TestAClosedLogTakesNothing(t *testing.T) {
	l := openLog(t, openRoot(t), 1<<20)
	appendRecord(t, l, "record")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("append: %v", err)
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

// Records in order come from what was read at once, and others all the same.
func TestReaderReadsInAnyOrder(t *testing.T) {
	l := openLog(t, openRoot(t), 2<<20)
	var refs []segment.Ref
	for n := range 3000 {
		refs = append(refs, appendRecord(t, l, fmt.Sprintf("%d %s", n, make([]byte, n))))
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	r := l.NewReader()
	defer r.Close()
	want := func(n int) {
		if got, err := r.Read(refs[n]); err != nil || string(got) != fmt.Sprintf("%d %s", n, make([]byte, n)) {
			t.Fatalf("record %d: %d bytes, %v", n, len(got), err)
		}
	}
	for n := range refs {
		want(n)
	}
	for n := range refs {
		want((n * 1013) % len(refs))
		want(n)
	}
}
