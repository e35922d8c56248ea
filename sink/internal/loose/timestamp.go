package loose

import (
	"encoding/json"
	"time"
)

// Timestamp is a point in time that servers write as unix seconds, an integer
// or a float, as RFC 3339, or as null. The zero Timestamp is not known.
type Timestamp struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler. It never fails: a time in another
// form is not known.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var seconds float64
	var at time.Time
	switch {
	case json.Unmarshal(b, &seconds) == nil:
		if seconds > 0 {
			t.Time = time.Unix(int64(seconds), 0)
		}
	case json.Unmarshal(b, &at) == nil && at.Unix() > 0:
		t.Time = at
	}
	return nil
}
