package hashindex_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow/durable/internal/hashindex"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// logEnd is after all that the tests write.
var logEnd = segment.Pos{File: 1, Offset: 1 << 30}

func newDir(tb testing.TB) *jobdir.Dir {
	tb.Helper()
	root, err := os.OpenRoot(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = root.Close() })
	return &jobdir.Dir{ID: "a-job", Root: root}
}

// clash makes hashes of which many begin with the same bits, up to all of them.
func clash(t *rapid.T) uint64 {
	first := rapid.Uint64Range(0, 3).Draw(t, "first")
	return first<<60 | rapid.Uint64Range(0, 2).Draw(t, "middle")<<24 | rapid.Uint64Range(0, 2).Draw(t, "last")
}

type added struct{ hash, number uint64 }

// An index finds each hash that was added, also after it was written and opened
// again, however many parts have become one.
func TestWhatWasAddedIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		form := hashindex.Form{Hash: rapid.IntRange(1, 8).Draw(r, "hash"), Number: rapid.IntRange(0, 2).Draw(r, "number")}
		dir := newDir(t)
		open := func() *hashindex.Index {
			x, err := hashindex.Open(dir, "items", form, logEnd)
			if err != nil {
				r.Fatal(err)
			}
			return x
		}
		x := open()
		var all, written []added
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0, 1:
				if err := x.Write(segment.Pos{File: 1, Offset: uint64(len(all))}); err != nil {
					r.Fatal(err)
				}
				written = slices.Clone(all)
			case 2:
				x.Close()
				x = open()
				if x.UpTo().Offset != uint64(len(written)) || x.Len() != len(written) {
					r.Fatalf("%d hashes up to %v, %d were written", x.Len(), x.UpTo(), len(written))
				}
				for _, a := range all[len(written):] { // that follow UpTo
					x.Add(a.hash, a.number)
				}
			default:
				a := added{hash: clash(r), number: uint64(len(all))}
				x.Add(a.hash, a.number)
				all = append(all, a)
			}
			if x.Len() != len(all) || x.Recent() != len(all)-len(written) {
				r.Fatalf("%d of %d hashes, %d of them recent", x.Len(), len(all), x.Recent())
			}
		}
		wantFound(r, x, form, all)
		x.Close()
	})
}

func wantFound(t interface{ Fatalf(string, ...any) }, x *hashindex.Index, form hashindex.Form, all []added) {
	for _, a := range all {
		numbers, err := x.Find(a.hash)
		if form.Number == 0 {
			a.number = 0
			for i := range numbers { // those of recent ones are as they were added
				numbers[i] = 0
			}
		}
		if err != nil || !slices.Contains(numbers, a.number) {
			t.Fatalf("%x is number %d: found %v, %v", a.hash, a.number, numbers, err)
		}
	}
}

func hashOf(n int) uint64 { return uint64(n+1) * 0x9e3779b97f4a7c15 } //nolint:gosec // not negative

// filled returns an index of so many hashes, written in parts.
func filled(tb testing.TB, dir *jobdir.Dir, form hashindex.Form, parts, each int) (x *hashindex.Index, all []added) {
	tb.Helper()
	x, err := hashindex.Open(dir, "items", form, logEnd)
	if err != nil {
		tb.Fatal(err)
	}
	for p := range parts {
		for n := range each {
			a := added{hashOf(p*each + n), uint64(p*each + n)} //nolint:gosec // not negative
			x.Add(a.hash, a.number)
			all = append(all, a)
		}
		if err := x.Write(segment.Pos{File: 1, Offset: uint64(len(all))}); err != nil {
			tb.Fatal(err)
		}
	}
	return x, all
}

func seen(tb testing.TB, dir *jobdir.Dir) map[string][]byte {
	tb.Helper()
	files := make(map[string][]byte)
	names, err := fs.Glob(dir.Root.FS(), jobdir.SeenDir+"/*")
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range names {
		if files[name], err = fs.ReadFile(dir.Root.FS(), name); err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

// Of many writes few files are left, which have all of their blocks.
func TestPartsBecomeOne(t *testing.T) {
	t.Parallel()
	dir, form := newDir(t), hashindex.Form{Hash: 5, Number: 6}
	const parts, each = 8*8 + 8 + 3, 700
	x, all := filled(t, dir, form, parts, each)
	want := []string{"items-00000000-0000003f", "items-00000040-00000047", "items-00000048-00000048", "items-00000049-00000049", "items-0000004a-0000004a"}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(seen(t, dir))) {
		got = append(got, strings.TrimPrefix(name, jobdir.SeenDir+"/"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("files %q", got)
	}
	wantFound(t, x, form, all)
	x.Close()
	x, err := hashindex.Open(dir, "items", form, logEnd)
	if err != nil || x.Len() != parts*each {
		t.Fatalf("%d hashes, %v", x.Len(), err)
	}
	wantFound(t, x, form, all)
	if numbers, err := x.Find(hashOf(parts * each)); err != nil || len(numbers) > 0 {
		t.Errorf("a hash that was not added is %v, %v", numbers, err)
	}
	x.Close()
}

// Where the disk has no room for a merge, it is left for later.
func TestPartsBecomeOneWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	dir, form := newDir(t), hashindex.Form{Hash: 5, Number: 6}
	x, err := hashindex.Open(dir, "items", form, logEnd)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	full, asked := errors.New("full"), int64(0)
	x.Room = func(bytes int64) error { asked = bytes; return full }
	var all []added
	write := func() {
		for range 100 {
			a := added{hashOf(len(all)), uint64(len(all))}
			x.Add(a.hash, a.number)
			all = append(all, a)
		}
		if err := x.Write(segment.Pos{File: 1, Offset: uint64(len(all))}); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		write()
	}
	if n := len(seen(t, dir)); n != 10 || asked != 8*100*(5+6) {
		t.Errorf("%d files without room for %d bytes", n, asked)
	}
	wantFound(t, x, form, all)
	full = nil
	write()
	if n := len(seen(t, dir)); n != 4 {
		t.Errorf("%d files once there is room", n)
	}
	wantFound(t, x, form, all)
}

// Files that a merge has left, or did not finish, are not counted again.
func TestWhatACrashLeavesIsRemoved(t *testing.T) {
	t.Parallel()
	dir, form := newDir(t), hashindex.Form{Hash: 5, Number: 6}
	x, _ := filled(t, dir, form, 7, 300)
	x.Close()
	before := seen(t, dir)
	x, all := filled(t, newDir(t), form, 0, 0)
	if len(all) != 0 || x.Len() != 0 {
		t.Fatal("a new index has hashes")
	}
	if x, _ = filled(t, dir, form, 1, 300); x.Len() != 8*300 {
		t.Fatalf("%d hashes", x.Len())
	}
	x.Close()
	before[jobdir.SeenDir+"/items-00000008-00000008.tmp"] = []byte("torn")
	for name, data := range before {
		if err := dir.Root.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if x, err := hashindex.Open(dir, "items", form, logEnd); err != nil || x.Len() != 8*300 {
		t.Errorf("%d hashes, %v", x.Len(), err)
	}
	if left := seen(t, dir); len(left) != 1 {
		t.Errorf("%d files are left", len(left))
	}
}

// Whatever happens to one of its files, an index has all up to where it says,
// or it is empty, to be made anew. An index that knows more than the log is, too.
func TestADamagedIndexIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir, form := newDir(t), hashindex.Form{Hash: 8}
	x, all := filled(t, dir, form, 3, 600)
	x.Close()
	whole := seen(t, dir)
	if len(whole) != 3 {
		t.Fatalf("%d files", len(whole))
	}
	check := func(what string, end segment.Pos) {
		t.Helper()
		x, err := hashindex.Open(dir, "items", form, end)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n := int(x.UpTo().Offset); n != x.Len() || n == len(all) { //nolint:gosec // not negative
			t.Errorf("%s: %d hashes, up to %v", what, x.Len(), x.UpTo())
		}
		wantFound(t, x, form, all[:x.Len()])
		x.Close()
		for name, data := range whole {
			if err := dir.Root.WriteFile(name, data, 0o600); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
		}
	}
	for name, data := range whole {
		for at := 0; at < len(data); at += 397 {
			flipped := slices.Clone(data)
			flipped[at] ^= 4
			if err := dir.Root.WriteFile(name, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			check("a flipped bit of "+name, logEnd)
		}
		if err := dir.Root.WriteFile(name, data[:len(data)-40], 0o600); err != nil {
			t.Fatal(err)
		}
		check("a cut "+name, logEnd)
		if err := dir.Root.Remove(name); err != nil {
			t.Fatal(err)
		}
		check("without "+name, logEnd)
		for other, data := range whole {
			if other != name {
				if err := dir.Root.WriteFile(name, data, 0o600); err != nil {
					t.Fatal(err)
				}
				check(name+" is a copy of "+other, logEnd)
			}
		}
	}
	check("a log that is shorter", segment.Pos{File: 1, Offset: uint64(len(all)) - 1})
}

// A file that is damaged while the index is open is noticed where it is read.
func TestADamagedBlockIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir, form := newDir(t), hashindex.Form{Hash: 5, Number: 6}
	x, all := filled(t, dir, form, 1, 100)
	defer x.Close()
	for name, data := range seen(t, dir) {
		data[len(data)/2] ^= 1
		if err := dir.Root.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if numbers, err := x.Find(all[50].hash); err == nil || !strings.Contains(err.Error(), "the next start makes anew") {
		t.Errorf("found %v, %v", numbers, err)
	}
}

// Two indexes of a job do not meet.
func TestIndexesHaveTheirOwnFiles(t *testing.T) {
	t.Parallel()
	dir, form := newDir(t), hashindex.Form{Hash: 5, Number: 6}
	x, _ := filled(t, dir, form, 2, 10)
	x.Close()
	y, err := hashindex.Open(dir, "requests", hashindex.Form{Hash: 8}, logEnd)
	if err != nil || y.Len() != 0 {
		t.Fatalf("%d hashes, %v", y.Len(), err)
	}
	y.Add(1<<63, 0)
	if err := y.Write(segment.Pos{File: 1}); err != nil {
		t.Fatal(err)
	}
	y.Close()
	if x, err = hashindex.Open(dir, "items", form, logEnd); err != nil || x.Len() != 20 {
		t.Errorf("%d hashes, %v", x.Len(), err)
	}
}

// BenchmarkFind looks up hashes that are there, in an index that was written as
// often as one of ten million items is.
func BenchmarkFind(b *testing.B) {
	const parts, each = 152, 1 << 16
	x, _ := filled(b, newDir(b), hashindex.Form{Hash: 5, Number: 6}, parts, each)
	defer x.Close()
	n := 0
	for b.Loop() {
		n = (n + 7919) % (parts * each)
		if _, err := x.Find(hashOf(n)); err != nil {
			b.Fatal(err)
		}
	}
}
