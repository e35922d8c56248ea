package jobdir

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm/price"
)

// Line is one line of the journal. Beside V, one or two of its fields are set.
// A line is durable before the store follows, so that the store can be rebuilt
// from the journal, the requests and the manifests.
type Line struct {
	V       version         `json:"v"`
	Job     *Meta           `json:"job,omitempty"`
	Target  *NumberedTarget `json:"target,omitempty"`
	Route   *NumberedRoute  `json:"route,omitempty"`
	Intent  *intent.Intent  `json:"intent,omitempty"`
	Claims  []ClaimSpan     `json:"claims,omitempty"` // of an intent that is sealed
	Shares  []TenantCost    `json:"shares,omitempty"` // of what the intent that is sealed reserves, by tenant
	Settled *Settled        `json:"settled,omitempty"`
	Output  *OutputState    `json:"output,omitempty"`  // the output was taken back to here
	Pruned  *Ending         `json:"pruned,omitempty"`  // only the journal of the job is left
	Keep    *time.Duration  `json:"keep,omitempty"`    // Job.KeepRemote, if it has changed
	Seen    []string        `json:"seen,omitempty"`    // tags of batches that were bought by a newer journal and given up
	Removed []string        `json:"removed,omitempty"` // tags whose files are gone at the provider
	Account *AccountAlias   `json:"account,omitempty"` // two keys that belong to the same account
	Stored  []StoredFile    `json:"stored,omitempty"`  // files of rows that were, or are about to be, stored at a provider
	Canary  *CanaryMark     `json:"canary,omitempty"`  // the first rows were judged, or a person has decided about them
}

// DecodeLine reads a line of the journal. The error is ErrVersion if it has
// another version.
func DecodeLine(record []byte) (l Line, err error) {
	if err := json.Unmarshal(record, &l); err != nil {
		return l, err
	}
	if l.V != LineVersion {
		return l, fmt.Errorf("its lines have version %d, and this program reads version %d: %w", l.V, LineVersion, ErrVersion)
	}
	return l, nil
}

// Settled says how the outcomes of a batch between From and Until were settled.
// All were delivered except the rows in Again, which are retried. If a crash
// came before the store followed, a later line undoes or replaces this one: an
// Output with the earlier state undoes it, a Settled with the same From
// replaces it.
type Settled struct {
	Tag    string      `json:"tag"`
	At     time.Time   `json:"at"`
	From   uint64      `json:"from"`
	Until  uint64      `json:"until"`
	Again  []RowSpan   `json:"again,omitempty"`
	Unsent bool        `json:"unsent,omitempty"` // the rows in Again were not sent: the batch was refused
	Output OutputState `json:"output"`

	Cost    price.Money  `json:"cost,omitempty"`    // of all rows, those in Again too
	Tenants []TenantCost `json:"tenants,omitempty"` // of it, what rows of tenants cost
	Tiers   []price.Tier `json:"tiers,omitempty"`   // the prices that Cost goes by

	Failed  map[string]int `json:"failed,omitempty"`  // items that failed, by error code
	Invalid []Invalid      `json:"invalid,omitempty"` // rows whose answers failed Job.Check
	Over    []FailedOver   `json:"over,omitempty"`    // rows of Again that go on to another route

	Asked *Asked `json:"asked,omitempty"` // how the rows did, as long as a canary is judged by them
}

// Asked counts answers of models.
type Asked struct {
	Rows    int `json:"rows"`
	Failed  int `json:"failed,omitempty"` // without the invalid ones
	Invalid int `json:"invalid,omitempty"`
}

// CanaryMark says whether the first rows of a job did well enough for the
// others, or a person has let these follow.
type CanaryMark struct {
	Passed  bool `json:"passed"`
	Resumes int  `json:"resumes,omitempty"` // of the control file, when they had not
}

// FailedOver is a row that its route has failed for good.
type FailedOver struct {
	Row  int    `json:"row"` // of the manifest
	Code string `json:"code"`
}

// Invalid says what is wrong with the answer of a row.
type Invalid struct {
	Row     int    `json:"row"` // of the manifest
	Message string `json:"message"`
}

// Err returns the row's error.
func (v Invalid) Err() *sink.RowError {
	return &sink.RowError{Class: retry.Permanent, Code: sink.CodeInvalidAnswer, Message: v.Message}
}

// AllAgain reports whether no outcome was delivered, as in a batch that was
// released without results.
func (s *Settled) AllAgain() bool {
	again := uint64(0)
	for _, span := range s.Again {
		again += uint64(span[1] - span[0] + 1) //nolint:gosec // a count
	}
	return again == s.Until-s.From
}

// RowSpan is a range of rows of a manifest: the first and the last, counted
// from 0.
type RowSpan [2]int

// AddRow adds a row to spans that are mostly in order.
func AddRow(spans []RowSpan, row int) []RowSpan {
	if n := len(spans); n > 0 && spans[n-1][1]+1 == row {
		spans[n-1][1] = row
		return spans
	}
	return append(spans, RowSpan{row, row})
}
