package client

import "encoding/json"

// Metadata mark a batch as ours. What others write is not read.
type Metadata struct {
	Tag string `json:"baler_tag"`
}

// UnmarshalJSON implements json.Unmarshaler. It never fails: metadata in
// another form are somebody else's. Some servers keep the object as a text.
func (m *Metadata) UnmarshalJSON(b []byte) error {
	*m = Metadata{}
	var inner string
	if json.Unmarshal(b, &inner) == nil {
		b = []byte(inner)
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(b, &all) == nil {
		_ = json.Unmarshal(all["baler_tag"], &m.Tag) // or it is no tag
	}
	return nil
}
