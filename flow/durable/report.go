package durable

import (
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// Progress counts what a job has done so far, including earlier runs.
type Progress struct {
	State      State     `json:"state"`
	Rows       int       `json:"rows"`               // distinct items read
	Duplicates int       `json:"duplicates"`         // items dropped as repetitions
	Filtered   int       `json:"filtered,omitempty"` // items that Job.Where left out
	Rejected   int       `json:"rejected,omitempty"` // items that cannot be used, see Job.Rejects
	Read       bool      `json:"read"`               // the source is read to its end
	Succeeded  int       `json:"succeeded"`
	Failed     int       `json:"failed"`
	FromCache  int       `json:"from_cache"`          // succeeded items that were answered in other jobs
	Shared     int       `json:"shared"`              // items that got the result of an identical item
	Retried    int       `json:"retried"`             // times that an item was retried
	Resent     int       `json:"resent,omitempty"`    // of these: by DecisionSend or DecisionBuyAgain, of items that may be paid for twice
	Late       int       `json:"late,omitempty"`      // results that came after the deadline of their item
	Unsourced  int       `json:"unsourced,omitempty"` // results with citations, most of whose Fields rest on none
	Batches    int       `json:"batches"`             // bought
	Refused    int       `json:"refused"`             // times that the provider refused a batch: none of its rows ran
	InFlight   int       `json:"in_flight"`           // batches not settled yet
	Surplus    int       `json:"surplus"`             // batches that were bought twice, and cancelled if they still ran
	Suspects   int       `json:"suspects"`            // batches that may have been bought twice: they ran, and it is not known whose they are
	Usage      llm.Usage `json:"usage"`
	Spending   Spending  `json:"spending"`
	// Canary is how the first items did, nil in a job without one.
	Canary  *CanaryProgress `json:"canary,omitempty"`
	Earlier Earlier         `json:"earlier,omitzero"` // what the job had when it last ended, if more was added since
	// Routes has the counts and the usage of each route that has answered.
	Routes []RouteProgress `json:"routes,omitempty"`
}

// RouteProgress counts what a route has done: a provider, an endpoint and a
// model.
type RouteProgress struct {
	Name      string    `json:"name,omitempty"` // of the job's route, if it has several
	Provider  string    `json:"provider"`
	Endpoint  string    `json:"endpoint"`
	Model     string    `json:"model"`
	Succeeded int       `json:"succeeded"` // without those from the cache and Shared ones
	Failed    int       `json:"failed"`
	Usage     llm.Usage `json:"usage"`

	Cost     price.Money `json:"cost"`
	List     price.Money `json:"list"`               // see Spending
	Unpriced int         `json:"unpriced,omitempty"` // see Spending
}

// Settled returns the number of items that have their result.
func (p Progress) Settled() int { return p.Succeeded + p.Failed }

// Report is Progress at the end of a Run, with what this Run did itself.
type Report struct {
	Progress
	Cached     int            `json:"cached"`               // items that it need not send: settled by an earlier Run, or FromCache
	CacheGone  int            `json:"cache_gone,omitempty"` // items that are sent although they were answered in other jobs: the answers cannot be read any more
	Cancelled  int            `json:"cancelled"`            // items that get no result, because the run was cancelled
	Unexpected UnexpectedRows `json:"unexpected"`           // result rows that are not what was asked for
	// InputTokens is about how many tokens the requests have that this Run has
	// read: a token for every four bytes of a request as it is kept, and the
	// pages and images of its files as the provider counts them, of several
	// routes the greatest number. Items that get the answer of an identical one
	// are left out, and so are answers.
	InputTokens int64 `json:"input_tokens,omitempty"`
	// Failures are the items that have failed in this Run and earlier ones, by
	// the code of their error. After a repair of the journal they may be fewer
	// than Failed.
	Failures map[string]int `json:"failures,omitempty"`
	// Tenants are what the items of each Job.Tenant have cost, of the thousand
	// that have cost the most.
	Tenants        []TenantSpending `json:"tenants,omitempty"`
	DuplicateSpend llm.Usage        `json:"waste"`      // of batches that were bought twice, as far as known
	Remote         Remote           `json:"remote"`     // what the provider stores for the run
	Elapsed        time.Duration    `json:"elapsed_ns"` // of this Run
	Finished       bool             `json:"finished"`   // every item has its result
}

// Earlier counts what a job with Append had when it last ended.
type Earlier struct {
	Rows      int `json:"rows"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Rejected  int `json:"rejected,omitempty"`
}

// ErrSameKey means that two items that ask for different things have the same
// key.
var ErrSameKey = errors.New("give each row its own id")

// InputError is an item that cannot be used. Nothing of its group was kept.
// Correct the source and run the job again.
type InputError struct {
	Source string // name of the input
	Line   int
	Err    error
}

// Error names the input and the line.
func (e *InputError) Error() string { return fmt.Sprintf("%s:%d: %v", e.Source, e.Line, e.Err) }

// Unwrap returns the reason.
func (e *InputError) Unwrap() error { return e.Err }

// MismatchError is a directory that belongs to another job, or to this job with
// other settings or another account. It may also be an output that does not
// belong to the job, or is no longer as the job left it.
type MismatchError struct {
	Reason string
	// Output is the output file, if the error is that somebody has changed what
	// the job had written. Archive.Results still has the results.
	Output string
}

// Error implements error.
func (e *MismatchError) Error() string { return "durable: " + e.Reason }

// Remote is what the provider stores for a run.
type Remote struct {
	Inputs  int   `json:"inputs"`          // uploaded files
	Results int   `json:"results"`         // batches whose results are there
	Bytes   int64 `json:"bytes"`           // of the results that were downloaded, about
	Files   int   `json:"files,omitempty"` // of rows, see Job.FileUpload
}

// UnexpectedRows counts result rows that are not what was asked for. None of
// them is delivered.
type UnexpectedRows struct {
	// Missing rows are in no result of their batch, although the batch ended
	// normally. They were retried or failed. Rows that wait for a person do not
	// count yet.
	Missing int `json:"missing"`
	// Repeated results belong to a row that had a result already: the first one
	// counts.
	Repeated int `json:"repeated"`
	// Foreign results name a row of another batch, or their id cannot be read.
	Foreign int `json:"foreign"`
	// Surplus results have the tag of their batch, but the id of none of its
	// rows.
	Surplus int `json:"surplus"`
}

// Total returns the sum of all counts.
func (s UnexpectedRows) Total() int { return s.Missing + s.Repeated + s.Foreign + s.Surplus }

func (s UnexpectedRows) add(t UnexpectedRows) UnexpectedRows {
	return UnexpectedRows{s.Missing + t.Missing, s.Repeated + t.Repeated, s.Foreign + t.Foreign, s.Surplus + t.Surplus}
}
