package durable

import (
	"encoding/json"
	"io"
)

// recordForm is how a File writes results, and knows them again after a crash.
type recordForm interface {
	// writeHead writes what comes before all results.
	writeHead(w io.Writer) error
	write(w io.Writer, r *Result) error
	// isHead reports whether a record is what writeHead writes.
	isHead(record []byte) bool
	// isWhole reports whether lines with that many quotes are a record, which
	// may have several.
	isWhole(quotes int) bool
	// read returns of a result at least its ID, Batch, Cached and Shared.
	read(record []byte) (Result, error)
	// isTorn reports whether bytes without an end may be the beginning of a
	// record. A file system may have left zeros in place of the rest, which are
	// cut off.
	isTorn(rest []byte, first bool) bool
}

// jsonLines are results as JSON lines.
type jsonLines struct{}

func (jsonLines) writeHead(io.Writer) error          { return nil }
func (jsonLines) write(w io.Writer, r *Result) error { return r.WriteLine(w) }
func (jsonLines) isHead([]byte) bool                 { return false }
func (jsonLines) isWhole(int) bool                   { return true }

func (jsonLines) read(record []byte) (r Result, err error) {
	err = json.Unmarshal(record, &r)
	return r, err
}

func (jsonLines) isTorn(rest []byte, _ bool) bool { return agree(string(rest), `{"id":"`) }

// agree reports whether one text begins with the other.
func agree(a, b string) bool {
	n := min(len(a), len(b))
	return a[:n] == b[:n]
}
