package simulator

import (
	"iter"
	"strconv"
	"strings"
	"time"
)

// Batch is a batch that a client created.
type Batch struct {
	ID        string            `json:"id"`
	Created   time.Time         `json:"created"` // on the simulator's clock
	Endpoint  string            `json:"endpoint"`
	Model     string            `json:"model,omitempty"` // empty before validation
	InputFile string            `json:"input_file"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Status    string            `json:"status"`
	Rows      int               `json:"rows"` // 0 before validation
}

// Batches returns every batch that was ever created, with any key, the oldest
// first.
func (s *Simulator) Batches() []Batch {
	var batches []Batch
	for _, b := range s.batches.all() {
		batches = append(batches, Batch{
			ID: b.ID, Created: b.Created, Endpoint: b.Endpoint, Model: b.Model, InputFile: b.InputFile,
			Metadata: b.Metadata, Status: b.Status, Rows: b.Counts.Total,
		})
	}
	return batches
}

// Execution is an entry of the billing ledger: a row that was put to the model.
type Execution struct {
	Batch        string `json:"batch"`
	CustomID     string `json:"custom_id"`
	Status       int    `json:"status"` // 0 for a request_timeout
	InputTokens  int64  `json:"input_tokens,omitempty"`
	OutputTokens int64  `json:"output_tokens,omitempty"`
}

// Billed reports whether the client pays for the execution: only if it
// succeeded.
func (e Execution) Billed() bool { return e.Status == 200 }

// appendExecution appends an entry of a batch's ledger.
func appendExecution(b, customID []byte, reply Reply) []byte {
	b = append(b, `{"custom_id":`...)
	b = append(b, customID...)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(reply.status()), 10)
	if reply.Error == nil {
		b = append(b, `,"input_tokens":`...)
		b = strconv.AppendInt(b, reply.InputTokens, 10)
		b = append(b, `,"output_tokens":`...)
		b = strconv.AppendInt(b, reply.OutputTokens, 10)
	}
	return append(b, '}', '\n')
}

// Executions yields the billing ledger, batch by batch, the oldest first. It
// is complete for batches that have ended; rows of a running batch may be
// missing. A non-nil error is the last thing it yields.
func (s *Simulator) Executions() iter.Seq2[Execution, error] {
	return func(yield func(Execution, error) bool) {
		for _, b := range s.Batches() {
			for e, err := range readLines[Execution](s.ledgerPath(b.ID)) {
				e.Batch = b.ID
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

// Bill is how often something was put to the model and paid for.
type Bill struct{ Executed, Billed int }

// Tally sums a ledger up by what key makes of each custom_id. [AfterTag] is
// such a key. It needs memory for every key.
func Tally(ledger iter.Seq2[Execution, error], key func(customID string) string) (map[string]Bill, error) {
	bills := make(map[string]Bill)
	for e, err := range ledger {
		if err != nil {
			return nil, err
		}
		k := key(e.CustomID)
		bill := bills[k]
		bill.Executed++
		if e.Billed() {
			bill.Billed++
		}
		bills[k] = bill
	}
	return bills, nil
}

// AfterTag returns what follows the first underscore of a custom_id, or all of
// it if there is none: the part that stays the same when a row is sent again
// under another tag.
func AfterTag(customID string) string {
	_, rest, found := strings.Cut(customID, "_")
	if !found {
		return customID
	}
	return rest
}
