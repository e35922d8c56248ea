package accumulator

// Reason says what closed a batch.
type Reason uint8

// The reasons, in the order in which [Stats.Reasons] counts them.
const (
	ReasonSize   Reason = iota // the batch reached MaxItems
	ReasonWeight               // the batch reached MaxWeight, or the next item would have exceeded it
	ReasonAge                  // MaxWait passed since the first item
	ReasonIdle                 // MaxIdle passed since the last item
	ReasonFlush                // Flush was called
	ReasonClose                // Close was called, or the input of the stage ended
	ReasonEvict                // MaxKeys were open and another key needed the place
)

// String returns the name of the constant in lower case, as it would appear
// in a log line or as the label of a metric.
func (r Reason) String() string {
	names := [...]string{"size", "weight", "age", "idle", "flush", "close", "evict"}
	if int(r) >= len(names) {
		return "unknown"
	}
	return names[r]
}
