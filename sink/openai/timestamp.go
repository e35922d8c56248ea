package openai

import (
	"encoding/json"
	"time"
)

// timestamp is unix seconds. Servers write it as an integer, a float, RFC 3339
// or null; 0 means that it is not known.
type timestamp float64

// Time is the point in time.
func (t timestamp) Time() time.Time { return time.Unix(int64(t), 0) }

// UnmarshalJSON implements json.Unmarshaler. It never fails: a time in another
// form is not known.
func (t *timestamp) UnmarshalJSON(b []byte) error {
	*t = 0
	var seconds float64
	var at time.Time
	switch {
	case json.Unmarshal(b, &seconds) == nil:
		*t = timestamp(seconds)
	case json.Unmarshal(b, &at) == nil:
		*t = timestamp(at.Unix())
	}
	return nil
}
