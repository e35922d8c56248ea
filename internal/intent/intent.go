// Package intent is the protocol by which one batch is bought exactly as often
// as needed. It does no I/O: Next says what to do in a state, Apply what
// follows from what happened. The caller makes every state durable before it
// acts on it, so that after a crash Next says how to go on.
//
//	sealed -> uploaded -> creating -> submitted -> ended -> fetched -> committed -> cleaned
//	              ^       |      |     ^     |                                        ^
//	              |       |      v     |     v                                        |
//	              |<------+    unknown-+   rejected ----------------------------------+
//	              |               |
//	              +---------------+ not listed, and beyond the grace period
//
// Creating is made durable before the request leaves. Whatever is in that
// state after a restart, or whose reply was unclear, may exist at the provider:
// it is looked for by its tag, and only sent again once it can no longer
// appear. Should it appear nevertheless, then it was bought twice: a batch that
// was ever in doubt is looked for until it is done with, and each surplus one
// found is recorded and cancelled. A batch that was refused is rejected, and
// its rows are free again.
package intent

import "time"

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
	Rev     uint64 `json:"rev"` // grows by one with every change
	State   State  `json:"state"`
	Lane    int    `json:"lane"`              // what it is accumulated by: endpoint and model
	Rows    int    `json:"rows"`              // number of rows
	Account string `json:"account,omitempty"` // who bought it; set when it is sent

	File     string    `json:"file,omitempty"`    // the provider's name of the uploaded file
	Batch    string    `json:"batch,omitempty"`   // the provider's name of the batch
	Creates  int       `json:"creates,omitempty"` // requests to create it that were sent
	SentAt   time.Time `json:"sent_at,omitzero"`  // when the last of them left
	Deadline time.Time `json:"deadline,omitzero"` // by which it had returned or was given up
	Reason   *Reason   `json:"reason,omitempty"`  // why the batch was rejected

	Doubts    int       `json:"doubts,omitempty"`    // requests of which it was unclear what they did
	Since     time.Time `json:"since,omitzero"`      // when the first of them left
	Surplus   []string  `json:"surplus,omitempty"`   // further batches of the tag: bought twice
	Cancelled int       `json:"cancelled,omitempty"` // how many of Surplus were cancelled
	Swept     bool      `json:"swept,omitempty"`     // looked for Surplus a last time
}

// Reason is why a provider refused a batch.
type Reason struct {
	Class   string `json:"class"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Done reports whether nothing is left to do.
func (i Intent) Done() bool { return i.State == Cleaned }

// InDoubt reports whether a second batch of the tag may exist.
func (i Intent) InDoubt() bool { return i.Doubts > 0 }

// Appears is when a batch that is not listed by then will never be.
func (i Intent) Appears(grace time.Duration) time.Time { return i.Deadline.Add(grace) }

// Action is what has to be done next.
type Action string

// The actions. Each ends in one of the events in brackets.
const (
	Upload  Action = "upload"  // [UploadDone]
	Create  Action = "create"  // [Sending], then send, then [Created, NotCreated, Unclear]
	Doubt   Action = "doubt"   // [Unclear]: the process that sent it is gone
	Find    Action = "find"    // [Listed]: what the provider has under the tag
	Cancel  Action = "cancel"  // [CancelDone]: Surplus[Cancelled], which nobody needs
	Poll    Action = "poll"    // [BatchEnded, Refused]; [Listed] too, to find Surplus early
	Fetch   Action = "fetch"   // [FetchDone]
	Settle  Action = "settle"  // [SettleDone]
	Clean   Action = "clean"   // [CleanDone]
	Release Action = "release" // [CleanDone]
	Nothing Action = "nothing"
)

// Next is the action that the state asks for.
func (i Intent) Next() Action {
	if i.Cancelled < len(i.Surplus) {
		return Cancel
	}
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
		return i.sweepBefore(Clean)
	case Rejected:
		return i.sweepBefore(Release)
	case Cleaned:
	}
	return Nothing
}

// sweepBefore looks for surplus batches as late as possible.
func (i Intent) sweepBefore(a Action) Action {
	if i.InDoubt() && !i.Swept {
		return Find
	}
	return a
}
