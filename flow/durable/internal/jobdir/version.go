package jobdir

import (
	"errors"
	"strconv"
)

// LineVersion is the version of the lines of a journal. It grows with each
// change that an earlier program would misread.
const LineVersion = 6

// version writes itself as LineVersion, whatever its value is.
type version int

// ErrVersion means that another version of the program has written a journal.
var ErrVersion = errors.New("another version wrote it: finish the run with the version that began it, " +
	"or name another state directory, and adopt what was bought (baler doctor --adopt)")

// MarshalJSON implements json.Marshaler.
func (version) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, LineVersion, 10), nil }
