package segment

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Overhead is what framing adds to a record, in bytes.
const Overhead = header

// guess is how much ReadAt reads at first: most records in one call.
const guess = 4 << 10

// ReadAt reads the record that begins at an offset of a file that ReadAll would
// read. It is read into buf, which grows if need be, and returned as a part of
// it. That no record begins there is ErrDamaged.
func ReadAt(r io.ReaderAt, offset int64, buf []byte) ([]byte, error) {
	if cap(buf) < guess/2 {
		buf = make([]byte, guess)
	}
	buf = buf[:cap(buf)]
	got, err := r.ReadAt(buf, offset)
	if got < header {
		return nil, torn(err)
	}
	n := binary.BigEndian.Uint32(buf)
	if n > MaxRecord {
		return nil, fmt.Errorf("%w: length %d", ErrDamaged, n)
	}
	whole := header + int(n)
	if whole > len(buf) {
		buf = append(buf, make([]byte, whole-len(buf))...)
		var more int
		more, err = r.ReadAt(buf[got:whole], offset+int64(got))
		got += more
	}
	if whole > got {
		return nil, torn(err)
	}
	return Payload(Ref{Len: n}, buf[:whole])
}
