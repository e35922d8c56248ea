package durable

import (
	"errors"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// EventVersion is the version of an Event's JSON form. It grows when a member
// changes its meaning or goes.
const EventVersion = 1

// Event is something that happened in a run: exactly one of Run, Batch, Row,
// Route, Notice and Reuse is set. It never holds a payload. Its JSON form is a line of
// a log that other programs can read.
type Event struct {
	V   int       `json:"v"`   // EventVersion
	Seq uint64    `json:"seq"` // counts the events of this process from 1, with those that were left out; 0 for a Reuse
	At  time.Time `json:"at"`
	Job string    `json:"job"` // the Job's Name

	Run    *RunEvent    `json:"run,omitempty"`
	Batch  *BatchEvent  `json:"batch,omitempty"`
	Row    *RowEvent    `json:"row,omitempty"`
	Route  *RouteEvent  `json:"route,omitempty"`
	Notice *NoticeEvent `json:"notice,omitempty"`
	// Reuse has the counts of now. It comes from what keeps the answers, such as
	// flow/intercept, at most once a second.
	Reuse *Reuse `json:"reuse,omitempty"`
}

// RunEvent says that the run is in another state than before.
type RunEvent struct {
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"`
	// Code is a word for the Reason, if a program may want to act on it.
	Code RunCode `json:"code,omitempty"`
	// Rows, Succeeded and Failed count the items so far, with those of earlier
	// processes.
	Rows      int `json:"rows"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	// Labels are those of the Job. The map is not to be changed.
	Labels map[string]string `json:"labels,omitempty"`
}

// RunCode says in a word why a run is in its state.
type RunCode string

// These are the codes.
const (
	RunFailing    RunCode = "failing" // it is paused because too many rows fail: see Job.Guard
	RunOverBudget RunCode = "budget"  // it has stopped because Job.Budget allows nothing more
)

// runCode returns the code of a state. The end of a run has err.
func runCode(s State, reason string, err error) RunCode {
	_, budget := errors.AsType[*BudgetError](err)
	switch {
	case s == StatePaused && reason != "": // nobody else gives one
		return RunFailing
	case s == StateStopped && budget:
		return RunOverBudget
	}
	return ""
}

// BatchEvent says that a batch has come further, or back.
type BatchEvent struct {
	Tag      string      `json:"tag"`
	Batch    string      `json:"batch,omitempty"` // the provider's name, once there is one
	State    string      `json:"state"`           // such as "submitted"; see OpenBatch
	Was      string      `json:"was,omitempty"`   // the state before; "" if it is new
	Route    string      `json:"route,omitempty"` // of a job with Routes
	Provider string      `json:"provider"`
	Endpoint string      `json:"endpoint"`
	Model    string      `json:"model"`
	Rows     int         `json:"rows"`
	Flush    *Flush      `json:"flush,omitempty"`  // why it was made when it was
	SentAt   time.Time   `json:"sent_at,omitzero"` // when it was bought
	Refusals int         `json:"refusals,omitempty"`
	Code     string      `json:"code,omitempty"`     // why it was refused or put off
	Reserved price.Money `json:"reserved,omitempty"` // what it may cost, as estimated when it was sealed
	Cost     price.Money `json:"cost,omitempty"`     // of its rows so far
	Missing  int         `json:"missing,omitempty"`  // rows that ran, or may have, and are in no result so far
}

// Flush says why a batch was made when it was, and how much of its limits it
// uses.
type Flush struct {
	// Reason is "size", "weight" or "age" for the limit of Job.Batch that
	// closed it, "close" if no more rows were ready, "limit" if its route takes
	// no more in a batch, or "deadline" if rows came near theirs.
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Limit  int       `json:"limit,omitempty"` // rows that it might have had; zero if there is no limit
	Fill   float64   `json:"fill,omitempty"`  // the share that it uses of the limit that it comes nearest to, to 1
}

func flushOf(in intent.Intent) *Flush {
	if in.Flush == nil {
		return nil
	}
	return &Flush{in.Flush.Reason, in.Flush.At, in.Flush.Limit, in.Flush.Fill}
}

// RowEvent says that an item has its result.
type RowEvent struct {
	ID       string       `json:"id"`
	Status   ItemStatus   `json:"status"`
	Code     string       `json:"code,omitempty"` // of its error
	Route    string       `json:"route,omitempty"`
	Model    string       `json:"model,omitempty"`
	Batch    string       `json:"batch,omitempty"`
	Cached   bool         `json:"cached,omitempty"`
	Shared   bool         `json:"shared,omitempty"`
	Attempts int          `json:"attempts"`
	Tenant   string       `json:"tenant,omitempty"`
	Usage    *llm.Usage   `json:"usage,omitempty"`
	Cost     *price.Money `json:"cost,omitempty"` // see Result
}

// RouteEvent says that a route of the job can be used no more, or again.
type RouteEvent struct {
	Route  string     `json:"route,omitempty"` // "" in a job without Routes
	State  RouteState `json:"state"`
	Reason string     `json:"reason,omitempty"`
}

// RouteState is what a RouteEvent says about a route.
type RouteState string

// These are the states of routes.
const (
	RouteFailing RouteState = "failing" // many of its rows fail: see Job.Guard
	RoutePaused  RouteState = "paused"  // too many did: it waits for Handle.Resume
	RouteResumed RouteState = "resumed"
	RouteDown    RouteState = "down" // its provider cannot be reached, see FailoverOut
	RouteUp      RouteState = "up"
	RouteBlocked RouteState = "blocked" // its account is blocked
)

// NoticeEvent says that a Notice was raised, or is over.
type NoticeEvent struct {
	Notice
	// Over says that its cause is over. Then it has only the Kind and the Tag.
	Over bool `json:"over,omitempty"`
}

// observeServices reports what becomes of services as events of their routes.
func (c *config) observeServices() {
	if c.callbacks.onEvent == nil {
		return
	}
	for _, s := range c.services {
		s.observe = func(state RouteState, reason string) {
			for _, own := range c.own {
				if own.service == s {
					c.callbacks.reportEvent(Event{Route: &RouteEvent{own.name, state, reason}})
				}
			}
		}
	}
}

// batchEvent describes what became of an intent.
func (b *batches) batchEvent(was, in intent.Intent) Event {
	r := b.routes.get(in.Route)
	e := &BatchEvent{
		Tag: in.Tag, Batch: in.Batch, State: string(in.State), Was: string(was.State), Route: r.Name, Provider: r.Provider, Endpoint: r.Endpoint,
		Model: r.Model, Rows: in.Rows, Flush: flushOf(in), SentAt: in.SentAt, Refusals: in.Refusals, Missing: in.Missing,
		Reserved: price.Money(in.Reserved),
	}
	e.Cost, _ = b.ledger.ofBatch(in.Tag)
	if in.Reason != nil {
		e.Code = in.Reason.Code
	}
	return Event{Batch: e}
}

// rowEvents describes results.
func rowEvents(results []Result) []RowEvent {
	rows := make([]RowEvent, len(results))
	for i := range results {
		r := &results[i]
		rows[i] = RowEvent{
			ID: r.ID, Status: r.Status, Route: r.Route, Model: r.Model, Batch: r.Batch, Cached: r.Cached, Shared: r.Shared,
			Attempts: r.Attempts, Tenant: r.Tenant, Usage: r.Usage, Cost: r.Cost,
		}
		if r.Error != nil {
			rows[i].Code = r.Error.Code
		}
	}
	return rows
}
