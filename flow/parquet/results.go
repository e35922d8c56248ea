package parquet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/internal/atomicfile"
)

// Rows of a group are in memory until it is written.
const (
	groupBytes = 64 << 20
	groupRows  = 128 << 10
)

// WriteResults writes the results of a run that a query selects to a Parquet
// file, a row of the columns of [Record] each, and returns how many there are.
// The Query should have the Codec of the job, without which results have
// neither text nor usage.
//
// A Parquet file cannot be added to, so it is written when the run has ended:
// what was settled when the archive was opened is in the file once. The file at
// path is there whole or not at all. One that is there already is replaced by a
// whole one or stays, so that a program that was killed can write it again.
// Until then it is called path.tmp, and nobody else may write that file.
func WriteResults(ctx context.Context, a *archive.Archive, q archive.Query, path string) (rows int, err error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return 0, fmt.Errorf("parquet: the directory of the results: %w", err)
	}
	defer dir.Close()
	err = atomicfile.Create(dir, filepath.Base(path), func(f *os.File) error {
		w := newWriter(f)
		for r, err := range a.Results(q) {
			if err := errors.Join(err, context.Cause(ctx)); err != nil {
				return err
			}
			if err := w.write(recordOf(&r)); err != nil {
				return err
			}
		}
		rows = w.rows
		return w.file.Close()
	})
	if err != nil {
		return 0, fmt.Errorf("parquet: results of %q: %w", a.Name(), err)
	}
	return rows, nil
}

// writer writes records in groups of bounded size.
type writer struct {
	file       *parquet.GenericWriter[Record]
	groupBytes int
	rows       int
	pending    struct{ rows, bytes int } // in memory
}

func newWriter(f *os.File) *writer {
	return &writer{file: parquet.NewGenericWriter[Record](f, parquet.Compression(&parquet.Zstd)), groupBytes: groupBytes}
}

func (w *writer) write(r Record) error {
	if _, err := w.file.Write([]Record{r}); err != nil {
		return err
	}
	w.rows++
	w.pending.rows++
	w.pending.bytes += r.size()
	if w.pending.rows < groupRows && w.pending.bytes < w.groupBytes {
		return nil
	}
	w.pending.rows, w.pending.bytes = 0, 0
	return w.file.Flush()
}
