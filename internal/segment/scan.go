package segment

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
)

// Record is a record of a Log with its place.
type Record struct {
	Ref
	Payload []byte // valid until the next one is asked for
}

// Begin is the place before the record.
func (r *Record) Begin() Pos { return Pos{r.File, r.Offset} }

// End is the place after the record, which is before the next one of its file.
func (r *Record) End() Pos { return Pos{r.File, r.Offset + header + uint64(r.Len)} }

// Scan yields the synced records between two places, in order. It may run while
// others append. A damaged or missing file is yielded as an error, which is the
// last.
func (l *Log) Scan(from, to Pos) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if from.File == 0 {
			from.File = 1
		}
		for n := from.File; n <= to.File; n++ {
			end := int64(-1)
			if n == to.File {
				end = int64(to.Offset) //nolint:gosec // a file's size
			}
			more, err := l.scanFile(Pos{n, from.Offset}, end, yield)
			if err != nil {
				yield(Record{}, fmt.Errorf("read %s: %w", l.name(n), err))
			}
			if err != nil || !more {
				return
			}
			from.Offset = 0
		}
	}
}

// scanFile yields the records of one file up to end, or to its own.
func (l *Log) scanFile(from Pos, end int64, yield func(Record, error) bool) (more bool, err error) {
	if end >= 0 && from.Offset >= uint64(end) {
		return true, nil
	}
	f, err := l.root.Open(l.name(from.File))
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%w: %w", ErrDamaged, err)
	} else if err != nil {
		return false, err
	}
	defer f.Close()
	if err := l.checkLabel(f, from.File); err != nil {
		return false, err
	}
	from.Offset = max(from.Offset, l.first(from.File))
	if _, err := f.Seek(int64(from.Offset), io.SeekStart); err != nil { //nolint:gosec // a file's size
		return false, err
	}
	var r io.Reader = f
	if end >= 0 {
		r = io.LimitReader(f, end-int64(from.Offset)) //nolint:gosec // a file's size
	}
	for payload, err := range ReadAll(r) {
		if err != nil {
			return false, err
		}
		rec := Record{Ref{File: from.File, Offset: from.Offset, Len: uint32(len(payload))}, payload} //nolint:gosec // bounded by MaxRecord
		if !yield(rec, nil) {
			return false, nil
		}
		from = rec.End()
	}
	return true, nil
}
