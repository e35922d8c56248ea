// Package intent is the protocol by which one batch is bought exactly as often
// as needed. It does no I/O: Next says what to do in a state, Apply what
// follows from what happened. The caller makes every state durable before it
// acts on it, so that after a crash Next says how to go on.
//
//	sealed -> uploaded -> creating -> submitted -> ended -> fetched -> committed -> cleaned
//	                         |  ^
//	                         v  | absent beyond the grace period
//	                      unknown -> submitted (found by its tag)
//
// Creating is made durable before the request leaves. Whatever is in that
// state after a restart, or whose reply was unclear, may exist at the provider:
// it is looked for by its tag, and only sent again once it can no longer
// appear. A batch that was refused is rejected, and its rows are free again.
package intent

import (
	"errors"
	"fmt"
	"time"
)

// State is where an intent stands.
type State string

// The states, in the order in which they are passed.
const (
	Sealed    State = "sealed"    // its rows are fixed on disk and claimed
	Uploaded  State = "uploaded"  // the provider holds its file, if it takes files
	Creating  State = "creating"  // the request to create it is about to leave
	Unknown   State = "unknown"   // it may or may not exist
	Submitted State = "submitted" // the provider named it
	Ended     State = "ended"     // the provider is done with it
	Fetched   State = "fetched"   // its results are on disk
	Committed State = "committed" // every row of it is settled
	Cleaned   State = "cleaned"   // nothing is left to do
	Rejected  State = "rejected"  // it was refused; its rows must be freed or failed
)

// Intent is one batch that is to be bought. All of it is persisted.
type Intent struct {
	Tag     string `json:"tag"` // 16 characters, unique; sent with the batch
	Rev     uint64 `json:"rev"`
	State   State  `json:"state"`
	Lane    int    `json:"lane"`    // what it is accumulated by: endpoint and model
	Rows    int    `json:"rows"`    // number of rows
	Account string `json:"account,omitempty"` // who bought it; set when it is sent

	File     string    `json:"file,omitempty"`  // the provider's name of the uploaded file
	Batch    string    `json:"batch,omitempty"` // the provider's name of the batch
	Creates  int       `json:"creates,omitempty"`
	SentAt   time.Time `json:"sent_at,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"` // by which the create had returned or was given up
	Reason   *Reason   `json:"reason,omitempty"`  // why it was rejected
}

// Reason is why a provider refused a batch.
type Reason struct {
	Class   string `json:"class"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Done reports whether nothing is left to do.
func (i Intent) Done() bool { return i.State == Cleaned }

// Action is what has to be done next.
type Action string

// The actions. Each ends in one of the events in brackets.
const (
	Upload  Action = "upload"  // [UploadDone]
	Create  Action = "create"  // [Sending], then send, then [Created, NotCreated, Unclear]
	Doubt   Action = "doubt"   // [Unclear]: the process that sent it is gone
	Find    Action = "find"    // [Created, Absent]
	Poll    Action = "poll"    // [BatchEnded, Refused]
	Fetch   Action = "fetch"   // [FetchDone]
	Settle  Action = "settle"  // [SettleDone]
	Clean   Action = "clean"   // [CleanDone]
	Release Action = "release" // [CleanDone]
	Nothing Action = "nothing"
)

// Next is the action that the state asks for.
func (i Intent) Next() Action {
	switch i.State {
	case Sealed:
		return Upload
	case Uploaded:
		return Create
	case Creating:
		return Doubt
	case Unknown:
		return Find
	case Submitted:
		return Poll
	case Ended:
		return Fetch
	case Fetched:
		return Settle
	case Committed:
		return Clean
	case Rejected:
		return Release
	case Cleaned:
	}
	return Nothing
}

// Event is what happened to an intent.
type Event interface{ apply(*Intent) error }

type (
	// UploadDone: the rows are at the provider, under File if it takes files.
	UploadDone struct{ File string }
	// Sending: Account's request to create leaves now and is given up at
	// Deadline.
	Sending struct {
		Account       string
		Now, Deadline time.Time
	}
	// Created: the batch exists and has this name.
	Created struct{ Batch string }
	// NotCreated: the request failed and the batch certainly does not exist.
	NotCreated struct{}
	// Unclear: the request was given up at Now, by an error or by the death of
	// the process that sent it, and the batch may exist.
	Unclear struct{ Now time.Time }
	// Absent: the provider does not list the batch. It may still appear until
	// Deadline and the grace period are over.
	Absent struct {
		Now   time.Time
		Grace time.Duration
	}
	// Refused: the provider does not accept the batch.
	Refused struct{ Reason Reason }
	// BatchEnded: the batch is in a terminal status, for a Reason if it was
	// refused as a whole and its rows are to fail with it.
	BatchEnded struct{ Reason *Reason }
	// FetchDone: all results are on disk.
	FetchDone struct{}
	// SettleDone: every row is settled.
	SettleDone struct{}
	// CleanDone: remote files are gone, or the rows were freed.
	CleanDone struct{}
)

// ErrOutOfOrder: an event does not fit the state. It is a bug of the caller.
var ErrOutOfOrder = errors.New("intent: event out of order")

// Apply returns the intent as it is after the event, at the next revision. An
// Absent that changes nothing returns the intent as it was.
func Apply(i Intent, e Event) (Intent, error) {
	next := i
	if err := e.apply(&next); err != nil {
		return i, err
	}
	if next.State != i.State {
		next.Rev++
	}
	return next, nil
}

// Appears is when a batch that is not listed by then will never be.
func (i Intent) Appears(grace time.Duration) time.Time { return i.Deadline.Add(grace) }

// move changes the state if it is one of from.
func (i *Intent) move(e Event, to State, from ...State) error {
	for _, s := range from {
		if i.State == s {
			i.State = to
			return nil
		}
	}
	return fmt.Errorf("%w: %T in %s (%s)", ErrOutOfOrder, e, i.State, i.Tag)
}

func (e UploadDone) apply(i *Intent) error {
	i.File = e.File
	return i.move(e, Uploaded, Sealed)
}

func (e Sending) apply(i *Intent) error {
	i.Account, i.SentAt, i.Deadline = e.Account, e.Now, e.Deadline
	i.Creates++
	return i.move(e, Creating, Uploaded)
}

func (e Created) apply(i *Intent) error {
	i.Batch = e.Batch
	return i.move(e, Submitted, Creating, Unknown)
}

func (e NotCreated) apply(i *Intent) error { return i.move(e, Uploaded, Creating) }

func (e Unclear) apply(i *Intent) error {
	if e.Now.Before(i.Deadline) {
		i.Deadline = e.Now
	}
	return i.move(e, Unknown, Creating)
}

func (e Absent) apply(i *Intent) error {
	if e.Now.Before(i.Appears(e.Grace)) {
		return i.move(e, Unknown, Unknown)
	}
	return i.move(e, Uploaded, Unknown)
}

func (e Refused) apply(i *Intent) error {
	i.Reason = &e.Reason
	return i.move(e, Rejected, Submitted)
}

func (e BatchEnded) apply(i *Intent) error {
	i.Reason = e.Reason
	return i.move(e, Ended, Submitted)
}

func (e FetchDone) apply(i *Intent) error { return i.move(e, Fetched, Ended) }

func (e SettleDone) apply(i *Intent) error { return i.move(e, Committed, Fetched) }

func (e CleanDone) apply(i *Intent) error { return i.move(e, Cleaned, Committed, Rejected) }
