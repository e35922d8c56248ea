package sink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/balerhq/baler/retry"
)

// Provider is a client of one batch API. It is safe for concurrent use.
//
// Its errors carry a retry.Class. Calls that may be repeated are retried
// inside; Create never is, since a repeated Create may be paid for twice. A
// provider without some of the optional methods embeds Basic.
type Provider interface {
	// Info describes the provider. It never changes.
	Info() Info
	// Limits are the provider's bounds for one batch of the model.
	Limits(model string) Limits
	// Check makes a call that costs nothing, to learn whether the account can
	// be used at all.
	Check(ctx context.Context) error
	// Upload stores the rows at the provider ahead of Create and returns its
	// name for them, or "" if Create takes the rows itself. Uploading again
	// under the same tag is harmless and may find the earlier upload. It
	// returns ErrTooLarge if there are more rows, or larger ones, than the
	// provider takes; if Create takes the rows itself, that does.
	Upload(ctx context.Context, spec Spec, rows Rows) (file string, err error)
	// Create buys the batch, once. An error of class retry.Ambiguous means that
	// the batch may exist: look for it with Find. Any other error means that it
	// does not: among them ErrTooLarge, ErrFull, ErrNotYet and, if what Upload
	// stored is no longer there, ErrFileGone. An error of the rows is returned
	// as it is: what has left by then creates nothing.
	Create(ctx context.Context, spec Spec, file string, rows Rows) (batch string, err error)
	// Find returns the batches created since then that carry the tag: exactly
	// this one, in their metadata or, where there is no such thing, as their
	// display name. A provider that keeps neither returns an error that is
	// errors.ErrUnsupported, and lists batches. Then the IDs of the rows in the
	// results tell whose a batch is; there must be at least one.
	Find(ctx context.Context, tag string, since time.Time) (batches []string, err error)
	// List yields the batches of the account that were created since then, in
	// any order. It may yield older ones too. An error ends the sequence; it is
	// errors.ErrUnsupported if Info.Lists is false.
	List(ctx context.Context, since time.Time) iter.Seq2[Listing, error]
	// Files yields what Upload has stored and Remove has not deleted, in any
	// order. It may yield what others have stored too. An error ends the
	// sequence; it is errors.ErrUnsupported if Info.Files is false.
	Files(ctx context.Context) iter.Seq2[File, error]
	// Clock is the provider's time, to within a minute or so. It is known once
	// there was a reply, and never if Info.Clock is false.
	Clock() (now time.Time, known bool)
	// Status reads how far a batch is.
	Status(ctx context.Context, h Handle) (Status, error)
	// Results streams the rows of an ended batch in any order, but a row that
	// succeeded before anything else that is said of it. Rows that never ran
	// may be absent, and so may others whose results are not there yet: what
	// the Status counts tells them apart. A body that is no result is an error,
	// and no outcome. An error ends the sequence. Of a batch that has not ended
	// it yields what there is, and then ErrNotEnded.
	Results(ctx context.Context, h Handle) iter.Seq2[Outcome, error]
	// Cancel asks the provider to stop; the batch then ends with what it has.
	// Cancelling an ended batch is not an error.
	Cancel(ctx context.Context, h Handle) error
	// Remove deletes what the provider stores under the handle: with a File
	// alone, what Upload stored, and the results of the batch stay; with a
	// Batch, its results too, and what it was made from. What is gone already
	// is not an error.
	Remove(ctx context.Context, h Handle) error
}

// Errors that a Provider's may wrap, beside their class.
var (
	// ErrTooLarge means that the rows pass in several batches.
	ErrTooLarge = retry.Mark(errors.New("the batch is larger than the provider takes"), retry.Permanent)
	// ErrFileGone means that the rows have to be uploaded again.
	ErrFileGone = retry.Mark(errors.New("the uploaded file is gone"), retry.Retryable)
	// ErrNotYet means that the same batch passes later, from the same upload:
	// the provider does not see the file yet, or is not well.
	ErrNotYet = retry.Mark(errors.New("the provider does not take the batch yet"), retry.Retryable)
	// ErrFull means that the same batch passes once others have ended, or in
	// smaller ones. A FullError says how much there is room for.
	ErrFull = retry.Mark(errors.New("the account has as much enqueued as it may"), retry.Retryable)
	// ErrStorageFull means that the account stores as much as it may: the same
	// upload passes once files have been removed.
	ErrStorageFull = retry.Mark(errors.New("the account stores as many files as it may"), retry.Retryable)
	// ErrNotEnded means that there may be more results later.
	ErrNotEnded = retry.Mark(errors.New("the batch has not ended"), retry.Retryable)
)

// FullError is an ErrFull of a provider that says how much may be enqueued.
type FullError struct {
	Tokens int64 // of input that all batches of the model may have together
}

// Error implements error.
func (e *FullError) Error() string {
	return fmt.Sprintf("the account may have %d tokens enqueued", e.Tokens)
}

// Unwrap is ErrFull.
func (e *FullError) Unwrap() error { return ErrFull }

// Spec says what a batch is.
type Spec struct {
	// Tag identifies the batch among all of the account: 1 to 64 characters of
	// A-Z, a-z, 0-9, _ and -. Find looks for it.
	Tag string
	// Endpoint is the path that every row calls, such as
	// "/v1/chat/completions".
	Endpoint string
	// Model is the model that every row names.
	Model string
	// New says that no upload under this tag was tried before, so that Upload
	// need not look for one. It may be false for a new tag.
	New bool
}

// Row is one request of a batch.
type Row struct {
	// ID is unique within the batch: 1 to 64 characters of A-Z, a-z, 0-9, _
	// and -, which every provider accepts.
	ID string
	// Body is the request as the endpoint takes it, on one line.
	Body json.RawMessage
}

// Rows yields the rows of a batch. It may be ranged over more than once and
// yields the same each time. A row is valid until the next one is asked for.
type Rows = iter.Seq2[Row, error]

// Handle is how a provider knows a batch. Its fields are opaque and worth
// keeping: with them another process can go on.
type Handle struct {
	Batch string // from Create or Find
	File  string // from Upload; may be empty
}

// Limits bound one batch. Zero means no limit.
type Limits struct {
	Rows   int           // rows in a batch
	Bytes  int64         // bytes of a batch as it is sent
	Window time.Duration // within which the provider ends a batch
	// Enqueued bounds what the account may have enqueued beside it.
	Enqueued Enqueued
}

// Enqueued bounds what the unfinished batches of an account may have together.
// Zero means that no limit is known: there may be one that depends on the
// account.
type Enqueued struct {
	Tokens  int64 // of the input of one model
	Rows    int   // of all models
	Batches int   // of all models
}

// Or returns e with its zero fields taken from others.
func (e Enqueued) Or(others Enqueued) Enqueued {
	return Enqueued{
		Tokens: cmp.Or(e.Tokens, others.Tokens), Rows: cmp.Or(e.Rows, others.Rows), Batches: cmp.Or(e.Batches, others.Batches),
	}
}

// Or returns l with its zero fields taken from others.
func (l Limits) Or(others Limits) Limits {
	return Limits{
		Rows: cmp.Or(l.Rows, others.Rows), Bytes: cmp.Or(l.Bytes, others.Bytes), Window: cmp.Or(l.Window, others.Window),
		Enqueued: l.Enqueued.Or(others.Enqueued),
	}
}

// Status is how far a batch is.
type Status struct {
	// Ended is true once nothing about the batch will change.
	Ended bool
	// Unknown is true if the client does not know what Phase means. The batch
	// then counts as not ended.
	Unknown bool
	// Accepted is true once the provider has said that it runs the rows, or has
	// run them: it does not refuse the batch any more. A provider that does not
	// say so leaves it false.
	Accepted bool
	// Phase is the provider's own word, for people.
	Phase string
	// Total, Succeeded and Failed count rows, as far as the provider says.
	Total, Succeeded, Failed int
	// NotRun is how many rows at most the provider says that it never ran, or
	// any number that is larger than the batch if it ran none. Zero means none,
	// or that it does not say. Only in so far may rows be absent from the
	// results of an ended batch, see Unaccounted.
	NotRun int
	// Age is for how long the batch exists, by the provider's clock alone. Zero
	// if that does not say.
	Age time.Duration
	// Err is why the provider refused the batch, so that none of it ran; nil if
	// it did not. Its class is
	//
	//	Permanent  the same rows never pass, or not those that Results names;
	//	           with the cause ErrTooLarge, they pass in several batches
	//	Retryable  they may pass later, and do if the cause is ErrFull, ErrNotYet
	//	           or ErrFileGone
	//	Blocked    they pass when somebody has acted
	Err *RowError
}

// Outcome is what became of one row. One with neither ID nor Line is of no row
// that the client can name: it is to be counted, never guessed at.
type Outcome struct {
	// ID is the row's, or "" if the provider names only its line.
	ID string
	// Line is the row's 1-based position in the upload, 0 if unknown.
	Line int
	// Status is the HTTP status of the row's own call, 0 if it never ran.
	Status int
	// Body is the provider's answer, or its error body; nil if it never ran. It
	// belongs to the receiver.
	Body json.RawMessage
	// Err is nil if the row succeeded.
	Err *RowError
	// Skipped is true if the provider says that the row was not run, so that it
	// is not among those that it counts as succeeded.
	Skipped bool
}
