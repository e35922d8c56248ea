package notify

import (
	"crypto/rand"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm/price"
)

// Schema names the form of a Message. Its number grows when a member changes
// its meaning or goes.
const Schema = "baler/notification/v1"

// Message is what a target gets, as JSON. No row, prompt or answer is in it.
type Message struct {
	Schema string            `json:"schema"`           // Schema
	ID     string            `json:"id"`               // the same each time that a message is delivered
	At     time.Time         `json:"at"`               // when it happened
	Run    string            `json:"run"`              // the name of the run
	Labels map[string]string `json:"labels,omitempty"` // of the run
	Event  Kind              `json:"event"`
	State  durable.State     `json:"state"`
	Route  string            `json:"route,omitempty"` // that it is about, of a run with routes
	Reason string            `json:"reason,omitempty"`

	Rows      int         `json:"rows"` // that were read so far
	Succeeded int         `json:"succeeded"`
	Failed    int         `json:"failed"`
	Cost      price.Money `json:"cost"` // of what is settled
}

// Kind is what has happened.
type Kind string

// The kinds.
const (
	Ended   Kind = "ended"   // the run is completed, cancelled or stopped
	Paused  Kind = "paused"  // too many rows fail, of the run or of a route: it waits for a person
	Failing Kind = "failing" // many rows fail
	Budget  Kind = "budget"  // the budget allows no more, for now or for good
	Stalled Kind = "stalled" // nothing gets on
)

// Patience is how long the provider may not be reached before the run counts as
// stalled. It is also how long nothing has to move until the run itself says so.
const Patience = 10 * time.Minute

// reader makes messages of the events of a run. It is used by one goroutine.
type reader struct {
	now    durable.Progress
	labels map[string]string
	ended  bool
	told   map[noticeKey]bool // notices that last, and that were a message
}

type noticeKey struct {
	kind durable.NoticeKind
	tag  string
}

// read returns the messages that an event makes, which are most often none.
func (r *reader) read(e durable.Event) []Message {
	switch {
	case e.Run != nil:
		r.now.State, r.now.Rows, r.now.Succeeded, r.now.Failed = e.Run.State, e.Run.Rows, e.Run.Succeeded, e.Run.Failed
		r.labels = e.Run.Labels
		return r.ofRun(e)
	case e.Route != nil:
		return r.ofRoute(e)
	case e.Notice != nil:
		return r.ofNotice(e)
	}
	return nil
}

func (r *reader) ofRun(e durable.Event) []Message {
	switch e.Run.State {
	case durable.StatePaused:
		if e.Run.Code == durable.RunFailing {
			return []Message{r.message(e, Paused, "", e.Run.Reason)}
		}
	case durable.StateCompleted, durable.StateCancelled, durable.StateStopped:
		if r.ended {
			return nil // a run that had ended before says so twice
		}
		r.ended = true
		end := r.message(e, Ended, "", e.Run.Reason)
		if e.Run.Code == durable.RunOverBudget {
			return []Message{r.message(e, Budget, "", e.Run.Reason), end}
		}
		return []Message{end}
	case durable.StateRunning, durable.StateCancelling:
	}
	return nil
}

// ofRoute reads what became of a route. That the only one is paused, the run
// says itself.
func (r *reader) ofRoute(e durable.Event) []Message {
	switch {
	case e.Route.State == durable.RouteFailing:
		return []Message{r.message(e, Failing, e.Route.Route, e.Route.Reason)}
	case e.Route.State == durable.RoutePaused && e.Route.Route != "":
		return []Message{r.message(e, Paused, e.Route.Route, e.Route.Reason)}
	}
	return nil
}

// ofNotice reads a notice. One that lasts is told once.
func (r *reader) ofNotice(e durable.Event) []Message {
	n, kind := e.Notice, Stalled
	key := noticeKey{n.Kind, n.Tag}
	switch {
	case n.Over:
		delete(r.told, key)
		return nil
	case r.told[key]:
		return nil
	case n.Kind == durable.NoticeBudget && n.Tag == "":
		kind = Budget
	case n.Kind == durable.NoticeWaiting && n.Tag == "":
	case n.Kind == durable.NoticeUnreachable && e.At.Sub(n.Since) >= Patience:
	default:
		return nil
	}
	r.told[key] = true
	return []Message{r.message(e, kind, "", n.Text)}
}

func (r *reader) message(e durable.Event, kind Kind, route, reason string) Message {
	return Message{
		Schema: Schema, ID: "msg_" + rand.Text(), At: e.At.UTC(), Run: e.Job, Labels: r.labels, Event: kind, State: r.now.State, Route: route, Reason: reason,
		Rows: r.now.Rows, Succeeded: r.now.Succeeded, Failed: r.now.Failed, Cost: r.now.Spending.Cost,
	}
}
