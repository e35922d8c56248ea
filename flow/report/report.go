package report

import (
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm"
)

// Schema names a Report's JSON form. Its number grows when a member changes its
// meaning or goes.
const Schema = "baler/report/v1"

// Report is how a run went, or goes.
type Report struct {
	Schema string `json:"schema"` // Schema
	Name   string `json:"name"`
	State  string `json:"state"` // such as "completed"; see durable.State
	// Labels are those of the job.
	Labels map[string]string `json:"labels,omitempty"`
	// Reason says why it stopped.
	Reason string `json:"reason,omitempty"`
	// Started is when the run was started for the first time. Ended is when its
	// last result was settled, zero if it has not ended.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	// Seconds is from Started to Ended, or to when the run was seen last.
	Seconds float64 `json:"seconds"`

	Rows      int     `json:"rows"` // items that were read, with those that were skipped
	Succeeded Share   `json:"succeeded"`
	Failed    Share   `json:"failed"`
	Skipped   Skipped `json:"skipped"`
	Cancelled Share   `json:"cancelled"` // without a result, because the run was cancelled
	Open      Share   `json:"open"`      // without a result so far
	Retried   int     `json:"retried"`   // times that an item was sent again
	Resent    int     `json:"resent"`    // of these: by decision, of items that may be paid for twice
	Late      int     `json:"late"`      // results that came after the deadline of their item

	// PerMinute is how many items were settled a minute, over all of Seconds.
	PerMinute float64 `json:"per_minute"`
	// Latency is how long batches took from their purchase to their last
	// result. Mean is over the rows: how long a row took.
	Latency Latency `json:"latency"`

	Batches Batches   `json:"batches"`
	Usage   llm.Usage `json:"usage"`
	Waste   llm.Usage `json:"waste"` // of batches that were bought twice
	Receipt Receipt   `json:"receipt"`
	// Reuse counts calls that got an answer of the run again, see
	// durable.Reuse. Nil means that none did.
	Reuse    *durable.Reuse `json:"reuse,omitempty"`
	Routes   []Route        `json:"routes"`
	Failures []Failure      `json:"failures"` // the most frequent first
	// Timeline is how many rows were settled by when, in at most 200 points.
	Timeline []Point `json:"timeline"`
	// Notices are current problems.
	Notices []durable.Notice `json:"notices,omitempty"`
	// Advice is what the figures suggest.
	Advice []string `json:"advice,omitempty"`
}

// Share is a number of rows, and how many percent of all they are.
type Share struct {
	Rows    int     `json:"rows"`
	Percent float64 `json:"percent"`
}

// Skipped are rows that were not sent. FromCache and Shared have a result, and
// are among those that succeeded or failed.
type Skipped struct {
	Share
	Duplicates int `json:"duplicates"`
	Filtered   int `json:"filtered"`
	FromCache  int `json:"from_cache"` // answered in other runs
	Shared     int `json:"shared"`     // got the result of an identical row
}

// Latency is how long batches took.
type Latency struct {
	Batches  int     `json:"batches"` // that are settled
	Mean     float64 `json:"mean_seconds"`
	P50      float64 `json:"p50_seconds"`
	P90      float64 `json:"p90_seconds"`
	Shortest float64 `json:"shortest_seconds"`
	Longest  float64 `json:"longest_seconds"`
	// Spread are the settled batches by their latency, from the shortest to the
	// longest, in equal steps.
	Spread []int `json:"spread,omitempty"`
}

// Batches counts batches.
type Batches struct {
	Bought  int     `json:"bought"`
	Open    int     `json:"open"`
	Refused int     `json:"refused"` // times that the provider refused one
	Surplus int     `json:"surplus"` // bought twice
	Rows    float64 `json:"mean_rows"`
}

// Route is what a route has done.
type Route struct {
	durable.RouteProgress
	Share float64 `json:"percent"` // of all answered rows
}

// Failure is a reason for which rows failed.
type Failure struct {
	Code     string    `json:"code"`
	Rows     Share     `json:"rows"`
	Examples []Example `json:"examples,omitempty"`
}

// Example is a row that failed.
type Example struct {
	ID      string `json:"id"`
	Message string `json:"message,omitempty"`
}

// Point is how many rows were settled at a time.
type Point struct {
	At        time.Time `json:"at"`
	Succeeded int       `json:"succeeded"`
	Failed    int       `json:"failed"`
}
