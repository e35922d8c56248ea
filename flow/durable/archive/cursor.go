package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Cursor is a place among the results of a run, in the order in which they were
// settled. The cursor "" is before all of them. A cursor stays valid as long as
// the run and its journal are kept, whatever is read and settled meanwhile. Its
// content is opaque.
type Cursor string

// position is a decoded Cursor. It is after all chunks before this one, and
// after the first n outcomes of the chunk's batch. The items of a cancelled run
// that have no outcome are one more chunk.
type position struct {
	chunk int
	n     uint64
}

// mark returns a prefix that differs between jobs and between chunks. So a
// cursor is refused after the job began anew or its journal was lost.
func (a *Archive) mark(chunk int) string {
	tag := ""
	if chunk < len(a.Chunks) {
		tag = a.Chunks[chunk].Tag
	}
	sum := sha256.Sum256(append(a.Keys.Job[:], tag...))
	return hex.EncodeToString(sum[:4])
}

func (a *Archive) cursor(p position) Cursor {
	return Cursor(fmt.Sprintf("%s.%d.%d", a.mark(p.chunk), p.chunk, p.n))
}

func (a *Archive) position(c Cursor) (p position, err error) {
	if c == "" {
		return p, nil
	}
	fields := strings.Split(string(c), ".")
	if len(fields) == 3 {
		chunk, notChunk := strconv.ParseUint(fields[1], 10, 31)
		n, notN := strconv.ParseUint(fields[2], 10, 64)
		p = position{int(chunk), n} //nolint:gosec // 31 bits
		if notChunk != nil || notN != nil {
			fields = nil
		}
	}
	switch {
	case len(fields) != 3:
		return p, fmt.Errorf("durable: %q is not a cursor", c)
	case p.chunk > len(a.Chunks) || fields[0] != a.mark(p.chunk):
		return p, fmt.Errorf("durable: the cursor %s does not belong to the run %q, or dates from before it began anew", c, a.Meta.Name)
	}
	return p, nil
}

// End returns the cursor after everything that the Archive shows.
func (a *Archive) End() Cursor {
	last := len(a.Chunks) - 1
	switch {
	case a.cancelled:
		return a.cursor(position{last + 1, math.MaxUint64})
	case last < 0:
		return ""
	}
	return a.cursor(position{last, a.Chunks[last].Until})
}
