package intent

// Pack says how the rows of a batch share requests: as many as fit one after
// another go into one. It is fixed when the batch is sealed, so that the
// requests are the same each time they are made of the rows.
type Pack struct {
	Rows     int `json:"rows"`            // most rows in a request
	Bytes    int `json:"bytes,omitempty"` // most bytes of rows that share one; 0 means any number
	Requests int `json:"requests"`        // of the batch
}

// Requests returns how many requests the provider gets, which it counts as the
// rows of the batch: one for each row unless rows share them.
func (i Intent) Requests() int {
	if i.Pack == nil {
		return i.Rows
	}
	return i.Pack.Requests
}
