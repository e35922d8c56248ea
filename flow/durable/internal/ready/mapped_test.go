package ready

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/balerhq/baler/internal/segment"
)

// Records are read in any order, also those that are appended after their file
// was mapped. What is gone or cut off is damage.
func TestMappedRecordsAreReadInAnyOrder(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	log, err := segment.OpenLog(root, "log", nil, 100, segment.Pos{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	m := newMapped(log)
	var refs []segment.Ref
	for i := range 40 {
		ref, err := log.Append(fmt.Appendf(nil, "record %d", i))
		if err := errors.Join(err, log.Sync()); err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
		for _, n := range []int{i, i / 2, i} {
			got, err := m.read(refs[n])
			if want := fmt.Sprintf("record %d", n); err != nil || string(got) != want {
				t.Fatalf("%q, %v: want %q", got, err, want)
			}
		}
	}
	last := refs[39]
	if err := m.forgetBelow(last.File); err != nil || len(m.files) != 1 {
		t.Errorf("%d files are mapped: %v", len(m.files), err)
	}
	if err := log.Drop(segment.Pos{File: last.File}); err != nil {
		t.Fatal(err)
	}
	beyond := segment.Ref{File: last.File, Offset: last.Offset, Len: last.Len + 1}
	moved := segment.Ref{File: last.File, Offset: last.Offset + 1, Len: last.Len - 1}
	for _, ref := range []segment.Ref{refs[0], beyond, moved} {
		if _, err := m.read(ref); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("%+v: %v", ref, err)
		}
	}
	if err := m.close(); err != nil || len(m.files) != 0 {
		t.Errorf("%d files are mapped: %v", len(m.files), err)
	}
}
