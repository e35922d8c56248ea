package parquet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// What is in memory is written once it is large.
func TestResultsAreWrittenInGroups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := newWriter(f)
	w.groupBytes = 1000
	for range 7 {
		if err := w.write(Record{Text: strings.Repeat("x", 400)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.file.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	var rows []int64
	for _, g := range opened.RowGroups() {
		rows = append(rows, g.NumRows())
	}
	if len(rows) != 4 || rows[0] != 2 || rows[3] != 1 {
		t.Errorf("the groups have %v rows", rows)
	}
}
