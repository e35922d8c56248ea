package sparse_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/internal/sparse"
)

// A copy has the same bytes, wherever the holes are.
func TestCopiesAreTheSame(t *testing.T) {
	from := filepath.Join(t.TempDir(), "from")
	if err := os.MkdirAll(filepath.Join(from, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	const size = 3 << 20
	for name, parts := range map[string]map[int64]string{
		"no byte at all":       {},
		"at the beginning":     {0: "begin"},
		"behind a hole":        {1 << 20: "middle"},
		"between two holes":    {0: "begin", 2 << 20: "middle"},
		"at the end":           {0: "begin", size - 3: "end"},
		"below/in a directory": {0: "begin"},
	} {
		write(t, filepath.Join(from, name), size, parts)
	}
	write(t, filepath.Join(from, "empty"), 0, nil)
	to := filepath.Join(t.TempDir(), "to")
	if err := sparse.CopyDir(from, to); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil || len(names) != 7 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range append(names, filepath.Join(from, "below", "in a directory")) {
		if filepath.Base(name) == "below" {
			continue
		}
		rel, _ := filepath.Rel(from, name)
		wantSame(t, name, filepath.Join(to, rel))
	}
}

func write(t *testing.T, name string, size int64, parts map[int64]string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	for at, text := range parts {
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
}

func wantSame(t *testing.T, name, other string) {
	t.Helper()
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	f, err := sparse.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || !bytes.Equal(f.Bytes(), want) || !bytes.Equal(sparse.Of(want).Bytes(), want) {
		t.Errorf("%s: the copy has other bytes", name)
	}
}
