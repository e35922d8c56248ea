package payload

import (
	"io"

	"github.com/balerhq/baler/sink"
)

// Payload are the rows of a batch as they are sent, measured.
type Payload struct {
	Rows int
	Size int64 // in bytes

	format *Format
}

// Measure reads the rows.
func Measure(f *Format, rows sink.Rows) (p Payload, err error) {
	p.format = f
	var head []byte
	for row, err := range rows {
		if err != nil {
			return Payload{}, err
		}
		if head, err = f.appendHead(head[:0], row); err != nil {
			return Payload{}, err
		}
		if p.Rows > 0 {
			p.Size += int64(len(f.Between))
		}
		p.Rows++
		p.Size += int64(len(head) + len(row.Body) + len(f.Tail))
	}
	return p, nil
}

// Reader returns what is sent: before, the rows, and after. The rows are those
// that were measured. They are ranged over once more.
func (p *Payload) Reader(before, after string, rows sink.Rows) io.ReadCloser {
	return newReader(before, after, p, rows)
}
