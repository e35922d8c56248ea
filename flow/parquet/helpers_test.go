package parquet_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"

	"github.com/balerhq/baler/flow/parquet"
	"github.com/balerhq/baler/flow/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ticket is a row of the tests.
type ticket struct {
	ID   string `parquet:"id"`
	Text string `parquet:"text,optional"`
}

// write makes a file of groups of so many rows, with little in each page.
func write[T any](tb testing.TB, inGroup int, rows ...T) (path string) {
	tb.Helper()
	path = filepath.Join(tb.TempDir(), "rows.parquet")
	err := pq.WriteFile(path, rows, pq.MaxRowsPerRowGroup(int64(inGroup)), pq.PageBufferSize(256))
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// seen is an item with its position and the checkpoint after it.
type seen[T any] struct {
	Item       T
	Row        int
	Checkpoint string
}

// read reads at most so many items, and returns the error that ended them.
func read[T any](tb testing.TB, f *parquet.File[T], most int) (all []seen[T], err error) {
	tb.Helper()
	for item, err := range f.Items() {
		if err != nil {
			return all, err
		}
		_, row := f.Position()
		all = append(all, seen[T]{item, row, f.Checkpoint()})
		if len(all) == most {
			return all, nil
		}
	}
	return all, nil
}

// texts returns the JSON of all rows of a file.
func texts(tb testing.TB, path string) (all []string) {
	tb.Helper()
	rows, err := read(tb, parquet.Rows(path), -1)
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range rows {
		all = append(all, string(r.Item.JSON))
	}
	return all
}

// wantRefused requires an error that names the file and the row.
func wantRefused(tb testing.TB, err error, path string, row int) {
	tb.Helper()
	e, ok := errors.AsType[*source.Error](err)
	if !ok || e.File != path || e.Line != row {
		tb.Errorf("err = %v, want a *source.Error of %s, row %d", err, path, row)
	}
}

// row is what Rows yields.
type row = source.Row

func equal[T any](a, b seen[T]) bool {
	return a.Row == b.Row && a.Checkpoint == b.Checkpoint && cmp.Equal(a.Item, b.Item)
}
