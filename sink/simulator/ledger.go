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
	Provider  string            `json:"provider"` // its name
	Name      string            `json:"name,omitempty"`
	Created   time.Time         `json:"created"` // on the simulator's clock
	Endpoint  string            `json:"endpoint"`
	Model     string            `json:"model,omitempty"` // empty before validation
	InputFile string            `json:"input_file"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Status    string            `json:"status"`
	Rows      int               `json:"rows"` // 0 before validation, unless it was declared
	Deleted   bool              `json:"deleted,omitempty"`
}

// Batches returns every batch that was ever created, with any key, the oldest
// first.
func (s *Simulator) Batches() []Batch {
	var batches []Batch
	for _, b := range s.batches.all() {
		batches = append(batches, Batch{
			ID: b.ID, Provider: protocolOf(b.Identity), Name: b.Name, Deleted: b.Deleted, Created: b.Created, Endpoint: b.Endpoint, Model: b.Model, InputFile: b.InputFile,
			Metadata: b.Metadata, Status: b.Status, Rows: b.Counts.Total,
		})
	}
	return batches
}

// File is a file that a client uploaded.
type File struct {
	ID       string    `json:"id"`
	Provider string    `json:"provider"` // its name
	Name     string    `json:"name"`
	Purpose  string    `json:"purpose,omitempty"`
	Bytes    int64     `json:"bytes"`
	Created  time.Time `json:"created"` // on the simulator's clock
	Deleted  bool      `json:"deleted,omitempty"`
}

// Files returns every file that was ever uploaded or made as a result, with any
// key, the oldest first. Files that belong to a batch and are in no list are not
// among them.
func (s *Simulator) Files() []File {
	var files []File
	for _, f := range s.files.all() {
		if !f.Hidden {
			files = append(files, File{
				ID: f.ID, Provider: protocolOf(f.Identity), Name: f.Name, Purpose: f.Purpose, Bytes: f.Bytes, Created: f.Created, Deleted: f.Deleted,
			})
		}
	}
	return files
}

// Execution is an entry of the billing ledger: a row that was put to the model.
type Execution struct {
	Provider     string `json:"provider"`
	Batch        string `json:"batch"`          // empty for a live call
	Live         bool   `json:"live,omitempty"` // it was a live call
	CustomID     string `json:"custom_id"`      // empty if a live call has none
	Status       int    `json:"status"`         // 0 for a request_timeout
	InputTokens  int64  `json:"input_tokens,omitempty"`
	CachedTokens int64  `json:"cached_tokens,omitempty"` // part of InputTokens
	CacheWrites  int64  `json:"cache_writes,omitempty"`  // part of InputTokens
	HourWrites   int64  `json:"hour_writes,omitempty"`   // part of CacheWrites
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
		for _, part := range []struct {
			name   string
			tokens int64
		}{{"cached_tokens", reply.CachedTokens}, {"cache_writes", reply.CacheWrites}, {"hour_writes", reply.HourWrites}} {
			if part.tokens > 0 {
				b = append(append(append(b, `,"`...), part.name...), `":`...)
				b = strconv.AppendInt(b, part.tokens, 10)
			}
		}
		b = append(b, `,"output_tokens":`...)
		b = strconv.AppendInt(b, reply.OutputTokens, 10)
	}
	return append(b, '}', '\n')
}

// Executions yields the billing ledger, batch by batch, the oldest first, and
// then the live calls. It is complete for batches that have ended; rows of a
// running batch may be missing. A non-nil error is the last thing it yields.
func (s *Simulator) Executions() iter.Seq2[Execution, error] {
	return func(yield func(Execution, error) bool) {
		for _, b := range s.Batches() {
			for e, err := range readLines[Execution](s.ledgerPath(b.ID)) {
				e.Provider, e.Batch = b.Provider, b.ID
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
		for e, err := range readLines[Execution](s.livePath()) {
			if !yield(e, err) || err != nil {
				return
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
