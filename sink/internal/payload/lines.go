package payload

import (
	"bytes"
	"io"

	"github.com/balerhq/baler/sink"
)

// maxKept is how many bytes of rows are kept between measuring and sending
// them. A larger batch is encoded twice: that costs time, and this memory.
const maxKept = 16 << 20

// Payload are the rows of a batch as they are sent, measured, and kept if they
// are small.
type Payload struct {
	Rows int
	Size int64 // in bytes

	format *Format
	kept   [][]byte // nil if they are too large
}

// The sizes of chunks, in bytes: of the first, as many batches are small, and of
// later ones.
const (
	firstChunk = 32 << 10
	keptChunk  = 1 << 20
)

// Measure encodes the rows.
func Measure(f *Format, rows sink.Rows) (p Payload, err error) {
	p.format = f
	var head []byte
	keeps := true
	for row, err := range rows {
		if err != nil {
			return Payload{}, err
		}
		head = head[:0]
		if p.Rows > 0 {
			head = append(head, f.Between...)
		}
		if head, err = f.appendHead(head, row); err != nil {
			return Payload{}, err
		}
		n := len(head) + len(row.Body) + len(f.Tail)
		p.Rows++
		p.Size += int64(n)
		if keeps = keeps && p.Size <= maxKept; !keeps {
			p.kept = nil
			continue
		}
		p.keep(n, head, row.Body)
	}
	if keeps && p.kept == nil {
		p.kept = [][]byte{} // of no rows
	}
	return p, nil
}

func (p *Payload) keep(n int, head, body []byte) {
	last := len(p.kept) - 1
	if last < 0 || cap(p.kept[last])-len(p.kept[last]) < n {
		size := firstChunk
		if last >= 0 {
			size = min(2*cap(p.kept[last]), keptChunk)
		}
		p.kept = append(p.kept, make([]byte, 0, max(size, n)))
		last++
	}
	p.kept[last] = append(append(append(p.kept[last], head...), body...), p.format.Tail...)
}

// Reader returns what is sent: before, the rows, and after. The rows are those
// that were measured. Those of a large batch are ranged over once more.
func (p *Payload) Reader(before, after string, rows sink.Rows) io.ReadCloser {
	if p.kept == nil {
		return newReader(before, after, p.format, rows)
	}
	parts := make([]io.Reader, 0, len(p.kept)+2)
	parts = append(parts, bytes.NewReader([]byte(before)))
	for _, chunk := range p.kept {
		parts = append(parts, bytes.NewReader(chunk))
	}
	return io.NopCloser(io.MultiReader(append(parts, bytes.NewReader([]byte(after)))...))
}
