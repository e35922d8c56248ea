// Package intent is the protocol that buys one batch exactly as often as
// needed. It does no I/O: Next returns the action for a state, and Apply
// returns the state after an event. The caller makes every state durable before
// it acts on it, so that after a crash Next returns the action to go on with.
//
//	  +<----------------------------------- put off
//	  v           +<----------------------- put off
//	sealed -> uploaded -> creating -> submitted -> ended -> fetched -> committed -> cleaned
//	              ^       |      |     ^  ^  |     ^  |                             ^
//	              |<------+      v     |  |  +-----|--|---> rejected ---------------+
//	              |           unknown -+  |        |  |
//	              |             |  ^ |    |        |  |
//	              +<------------+  | +-> held -----+  |
//	              |                |      |           |
//	              +<---------------|------+           |
//	                               +------------------+ not ours
//
// The results of a batch that has ended may be late, cut or gone. Results that
// came are settled, and the batch has ended again, with rows that are Missing.
// It is not committed until those come, or a person has decided about them.
//
// There is no state for a batch that is being put together. The file of its
// rows is written whole or not at all, and claims nothing until the journal has
// the intent, sealed. After a restart the caller removes a file that the
// journal does not name, and brings the journal's content into the store.
//
// Creating is made durable before the request leaves. A batch may exist at the
// provider if it is in that state after a restart, or if its reply was unclear.
// The caller looks for it by its tag. It sends the batch again only once the
// batch can no longer appear and two searches since then have not found it.
// Only the process that searches can tell how long it has waited, so a new
// process waits anew. If the batch appears nevertheless, then it was bought
// twice. So a batch that was ever in doubt is searched for until it is done,
// and each surplus one found is recorded and cancelled.
//
// If the provider makes no second batch of a tag, the caller need not search:
// it repeats the request, and has the batch when that is answered. A "no" to
// such a request leaves it unknown whether the first one made a batch.
//
// A batch that was refused, maybe before it existed, is rejected, and its rows
// are free again. If they are to fail with it, it has ended. A batch that was
// refused for now is put off: it is created again from the same upload, or from
// another, under the same tag. Then the provider also lists the refused
// batches, though none of their rows ran. Those that had a name here are Past
// and count no more, whatever is said of them. The caller leaves out any other
// one.
//
// A provider may keep the tag with the batch, in its metadata or its name, and
// list it, or it may keep none. Without a tag, a batch shows whose it is only
// when it has ended, by the ids of its rows. Until then it is a candidate: a
// batch of that size, made at that time, that no intent has adopted. An intent
// with candidates that can no longer appear itself is held, for as long as its
// Policy says. If it has only one candidate, and nobody else can own that, the
// intent adopts it unproven. When the batch has ended, it is proven or
// disowned.
//
// A person may decide not to wait for the end of a doubt. Then the batch is
// abandoned: its rows are free again, and what it may have cost is wasted. It is
// looked for once more all the same, and cancelled if it is there and has a
// tag.
package intent

import (
	"fmt"
	"slices"
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
	Held      State = "held"      // it does not exist, or is one of those that run
	Submitted State = "submitted" // the provider named it
	Ended     State = "ended"     // the provider is done with it
	Fetched   State = "fetched"   // its results are on disk
	Committed State = "committed" // every row of it is settled
	Cleaned   State = "cleaned"   // nothing is left to do
	Rejected  State = "rejected"  // it was refused or withdrawn; its rows must be freed or failed
)

// Intent is one batch that is to be bought. All of it is persisted.
type Intent struct {
	Tag      string `json:"tag"` // 16 characters, unique; sent with the batch
	Rev      uint64 `json:"rev"` // grows by one with every change
	State    State  `json:"state"`
	Route    int    `json:"route"`              // its number: who answers, and how
	Rows     int    `json:"rows"`               // number of rows
	Tokens   int64  `json:"tokens,omitempty"`   // of its requests, as estimated when it was sealed
	Flush    *Flush `json:"flush,omitempty"`    // why it was made when it was; nil if it was not made of waiting rows
	Pack     *Pack  `json:"pack,omitempty"`     // how rows share requests; nil if each has its own
	Prefix   Prefix `json:"prefix,omitempty"`   // what its rows do to the cache of the provider; 0 if they share no beginning
	Reserved int64  `json:"reserved,omitempty"` // what it may cost, in 1e-12 dollars, as estimated when it was sealed
	Day      string `json:"day,omitempty"`      // on which it was sealed, if something is reserved
	Account  string `json:"account,omitempty"`  // who bought it; set when it is sent

	File     string    `json:"file,omitempty"`     // the provider's name of the uploaded file, until that is removed
	Batch    string    `json:"batch,omitempty"`    // the provider's name of the batch
	Unproven bool      `json:"unproven,omitempty"` // Batch may be somebody else's
	Creates  int       `json:"creates,omitempty"`  // requests to create it that were sent
	SentAt   time.Time `json:"sent_at,omitzero"`   // when the last of them left
	Repeats  bool      `json:"repeats,omitempty"`  // the last of them repeated one that was not answered
	Deadline time.Time `json:"deadline,omitzero"`  // by which it had returned or was given up
	Reason   *Reason   `json:"reason,omitempty"`   // why the batch was rejected or put off, or its rows fail

	Refusals int       `json:"refusals,omitempty"` // times that the provider refused it, so that nothing ran
	Again    time.Time `json:"again,omitzero"`     // when one that was put off may be created
	Past     []string  `json:"past,omitempty"`     // batches of the tag that were put off: nothing of them ran

	Doubts    int       `json:"doubts,omitempty"`    // requests whose effect was unclear
	Since     time.Time `json:"since,omitzero"`      // when the first of them left
	Looks     int       `json:"looks,omitempty"`     // for the batch in vain, in a row, since it can no longer appear
	Surplus   []string  `json:"surplus,omitempty"`   // further batches of the tag: bought twice
	Cancelled int       `json:"cancelled,omitempty"` // how many of Surplus were cancelled
	Suspects  []string  `json:"suspects,omitempty"`  // at most 16 batches that may be surplus: they ran when they were last polled
	Swept     bool      `json:"swept,omitempty"`     // looked for Surplus a last time
	Waste     int64     `json:"waste,omitempty"`     // what the Surplus has cost, in 1e-12 dollars, as far as known; at least Reserved if it is Abandoned
	Abandoned bool      `json:"abandoned,omitempty"` // its rows are not to wait for the end of the doubt
	Freed     bool      `json:"freed,omitempty"`     // so they are free again

	Short     bool    `json:"short,omitempty"`     // it was to be cancelled before its time: rows without a result did not run
	Missing   int     `json:"missing,omitempty"`   // rows that ran, or may have, and are in no result so far
	Undecided bool    `json:"undecided,omitempty"` // a person has to say what becomes of them
	Verdict   Verdict `json:"verdict,omitempty"`   // what was said
}

// Flush says why a batch was made when it was, for people alone.
type Flush struct {
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Limit  int       `json:"limit,omitempty"` // rows that it might have had, zero if that had no limit
	Fill   float64   `json:"fill,omitempty"`  // the share of its narrowest limit that it used
}

// Prefix is what the rows of a batch do to the provider's cache of prompts, whose
// beginning they share with others.
type Prefix uint8

// What rows do. The zero Prefix is nothing.
const (
	WritesPrefix Prefix = iota + 1 // they are the first of those that share a beginning
	ReadsPrefix                    // they follow those
)

var prefixNames = [...]string{"", WritesPrefix: "writes", ReadsPrefix: "reads"}

func (p Prefix) String() string { return prefixNames[p] }

// MarshalText returns the name.
func (p Prefix) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (p *Prefix) UnmarshalText(name []byte) error {
	n := slices.Index(prefixNames[:], string(name))
	if n < 0 {
		return fmt.Errorf("intent: a batch does %q to the cache of prompts, which is not known", name)
	}
	*p = Prefix(n) //nolint:gosec // an index of prefixNames
	return nil
}

// Verdict is what becomes of the rows that are Missing.
type Verdict string

// The verdicts. The zero Verdict is that the results are asked for again.
const (
	FailMissing Verdict = "fail"  // they fail, though they may have been paid for
	SendMissing Verdict = "again" // they are sent again, though they may then be paid for twice
)

// Reason is why a provider refused a batch, or why its rows fail.
type Reason struct {
	Class   string `json:"class"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Limit   int    `json:"limit,omitempty"` // what the next batches of the route may weigh, in bytes

	Room  int       `json:"room,omitempty"`  // batches of the route that were under way, if there was no room for more
	Times int       `json:"times,omitempty"` // refusals of the route in a row
	Since time.Time `json:"since,omitzero"`  // when the first of them came
}

// Refused reports whether the provider does not take the batch: its rows are
// freed, or fail with the Reason, or those do that are at fault.
func (i Intent) Refused() bool { return i.Reason != nil && i.Reason.Class == "permanent" }

// GivenUp reports whether the batch was given up before it had ended.
func (i Intent) GivenUp() bool { return i.Reason != nil && i.Reason.Class == "retryable" }

// Bought reports whether the provider has the batch, or had it, and did not
// refuse it.
func (i Intent) Bought() bool {
	return i.Batch != "" && (i.Reason == nil || i.Reason.Class == "retryable")
}

// Done reports whether nothing is left to do.
func (i Intent) Done() bool { return i.State == Cleaned }

// InDoubt reports whether a second batch of the tag may exist.
func (i Intent) InDoubt() bool { return i.Doubts > 0 }

// Open reports whether the provider may hold a batch with this tag that has not
// been identified yet.
func (i Intent) Open() bool {
	return i.State == Creating || i.State == Unknown || i.State == Held || i.Unproven
}

// Owns reports whether the batch is the intent's, for certain.
func (i Intent) Owns(batch string) bool {
	return batch == i.Batch && !i.Unproven || slices.Contains(i.Surplus, batch)
}

// Waits reports whether rows are missing about which nobody has decided.
func (i Intent) Waits() bool { return i.Missing > 0 && i.Verdict == "" }

// Decides reports whether a look that finds nothing decides something: that the
// batch is sent again, or that nobody looks any more.
func (i Intent) Decides(grace, waited time.Duration) bool {
	if i.State == Unknown || i.State == Held {
		return waited >= grace
	}
	return i.State != Submitted
}

// Appears returns the time after which an unlisted batch can be assumed not to
// exist, by the clock of the process that sent it.
func (i Intent) Appears(grace time.Duration) time.Time { return i.Deadline.Add(grace) }
