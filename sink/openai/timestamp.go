package openai

import (
	"encoding/json"
	"fmt"
	"time"
)

// timestamp is unix seconds. Servers write it as an integer, a float, RFC 3339
// or null; 0 means that it is not known.
type timestamp float64

// Time is the point in time.
func (t timestamp) Time() time.Time { return time.Unix(int64(t), 0) }

// UnmarshalJSON implements json.Unmarshaler.
func (t *timestamp) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*t = 0
	case float64:
		*t = timestamp(v)
	case string:
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return err
		}
		*t = timestamp(at.Unix())
	default:
		return fmt.Errorf("a time cannot be %s", b)
	}
	return nil
}
