package segment_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/balerhq/baler/internal/segment"
)

func labelled(whose string) segment.Label {
	return func(n uint32) []byte { return fmt.Appendf(nil, "%s %d", whose, n) }
}

// threeFiles is a labelled log of three files, a record in each.
func threeFiles(t *testing.T) (root *os.Root, end segment.Pos, refs []segment.Ref) {
	t.Helper()
	root = openRoot(t)
	l, err := segment.OpenLog(root, "log", labelled("mine"), 1, segment.Pos{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{"one", "two", "three"} {
		refs = append(refs, appendRecord(t, l, r))
	}
	if end = l.End(); end.File != 3 {
		t.Fatalf("end %+v", end)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return root, end, refs
}

func TestALabelledLogReadsAsAnyOther(t *testing.T) {
	root, end, refs := threeFiles(t)
	l, err := segment.OpenLog(root, "log", labelled("mine"), 1, end)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refs = append(refs, appendRecord(t, l, "four"))
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	all := []string{"one", "two", "three", "four"}
	for i, ref := range refs {
		wantRecord(t, l, ref, all[i])
		from := segment.Pos{File: ref.File, Offset: ref.Offset}
		if got := scan(t, l, from, l.End()); !slices.Equal(got, all[i:]) {
			t.Errorf("from %+v: %q", from, got)
		}
	}
	if got := scan(t, segment.Look(root, "log", labelled("mine")), segment.Pos{}, l.End()); !slices.Equal(got, all) {
		t.Errorf("%q", got)
	}
}

// Whatever file stands in the place of another, nothing is read of it and
// nothing is cut off.
func TestAFileOfAnotherLabelIsRefused(t *testing.T) {
	root, end, refs := threeFiles(t)
	other, err := segment.OpenLog(root, "other", labelled("yours"), 1, segment.Pos{})
	if err != nil {
		t.Fatal(err)
	}
	appendRecord(t, other, "one")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(root.Name(), name) }
	own, err := os.ReadFile(path("log/00000002.seg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"log/00000001.seg", "log/00000003.seg", "other/00000001.seg"} {
		content, err := os.ReadFile(path(from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path("log/00000002.seg"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, end := range []segment.Pos{end, {File: 1, Offset: refs[0].Offset}} { // the file counts or lies behind
			if _, err := segment.OpenLog(root, "log", labelled("mine"), 1, end); !errors.Is(err, segment.ErrLabel) {
				t.Errorf("opened with %s: %v", from, err)
			}
		}
		look := segment.Look(root, "log", labelled("mine"))
		if _, err := read(look, refs[1]); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("read with %s: %v", from, err)
		}
		for _, err := range look.Scan(segment.Pos{File: 2}, end) {
			if !errors.Is(err, segment.ErrDamaged) {
				t.Errorf("scanned with %s: %v", from, err)
			}
		}
		if now, err := os.ReadFile(path("log/00000002.seg")); err != nil || !slices.Equal(now, content) {
			t.Errorf("it was changed: %q, %v", now, err)
		}
	}
	if err := os.WriteFile(path("log/00000002.seg"), own, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := segment.OpenLog(root, "log", labelled("mine"), 1, end)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A crash while a file is begun leaves one that is torn, behind the end.
func TestATornLabelBehindTheEndIsCutOff(t *testing.T) {
	root, end, _ := threeFiles(t)
	if err := os.WriteFile(filepath.Join(root.Name(), "log", "00000004.seg"), []byte("\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := segment.OpenLog(root, "log", labelled("mine"), 1, end)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if files, err := segment.Files(root, "log"); err != nil || len(files) != 3 {
		t.Errorf("files %v, %v", files, err)
	}
}
