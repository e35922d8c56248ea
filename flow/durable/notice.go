package durable

import (
	"time"
)

// Notice is a problem that costs a user money or hours and may need a person to
// act. It is reported at once, and stays in the Status for as long as it lasts.
type Notice struct {
	Kind  NoticeKind `json:"kind"`
	Tag   string     `json:"tag,omitempty"`   // the batch's tag; "" if the notice is about the run
	Batch string     `json:"batch,omitempty"` // the batch's name at the provider
	Text  string     `json:"text"`            // what happened
	// Advice says what to do about it. It is "" if nothing has to be done.
	Advice string `json:"advice,omitempty"`
	// Next is when the run tries again. Zero means that it does not, or that
	// the time is not known.
	Next  time.Time `json:"next,omitzero"`
	Since time.Time `json:"since"` // when it began
	Times int       `json:"times"` // how often it happened
}

// NoticeKind is the kind of problem.
type NoticeKind string

// The kinds.
const (
	NoticeUnreachable NoticeKind = "unreachable" // the provider does not answer, or only with errors
	NoticeLimited     NoticeKind = "limited"     // the provider asks to wait for long
	NoticePaced       NoticeKind = "paced"       // Job.Creates holds up batches for long
	NoticeRoom        NoticeKind = "room"        // batches wait until less is enqueued; the Tag is their model
	NoticeRefused     NoticeKind = "refused"     // the provider refuses batches
	NoticeIncomplete  NoticeKind = "incomplete"  // results are not what the provider says they are
	NoticeUndecided   NoticeKind = "undecided"   // a person has to decide about a batch
	NoticeUnclear     NoticeKind = "unclear"     // a creation was not answered
	NoticeWaiting     NoticeKind = "waiting"     // a batch, or without a Tag the whole run, does not get on
	NoticeGivenUp     NoticeKind = "given_up"    // a batch has not ended in all its time
	NoticeFailing     NoticeKind = "failing"     // many rows fail, of the route that Tag names or of all
	NoticeCanary      NoticeKind = "canary"      // the first items did badly, so that the run is paused
	NoticeStorage     NoticeKind = "storage"     // what is kept at the provider
	NoticeDeadline    NoticeKind = "deadline"    // a batch is cancelled because items of it are near their deadline
	NoticeBudget      NoticeKind = "budget"      // the budget allows no more for now; with a Tag: one that was set counts no more
	NoticeLate        NoticeKind = "late"        // items have passed their deadline in a batch that is open
)
