package intent

import "time"

// Event is what happened to an intent.
type Event interface{ apply(*Intent) error }

type (
	// UploadDone says that the rows are at the provider, under File if it takes
	// files, for the Account to use. An upload by another account replaces it.
	UploadDone struct{ Account, File string }
	// Sending says that Account's request to create leaves now and is given up
	// at Deadline. It repeats one that was not answered if the provider makes
	// no second batch of a tag.
	Sending struct {
		Account       string
		Now, Deadline time.Time
		Repeats       bool
	}
	// Created says that the batch exists and has this name.
	Created struct{ Batch string }
	// NotCreated says that the request failed and made no batch. So there is
	// none, unless it repeated one that was not answered.
	NotCreated struct{}
	// Unclear says that the request was given up at Now, by an error or by the
	// death of the process that sent it, and the batch may exist.
	Unclear struct{ Now time.Time }
	// Listed says what the provider lists from the intent's Since on, in a list
	// that was read to its end.
	Listed struct {
		// Waited is for how long the creation had been given up when the
		// request for the list left, as far as the process that asks has seen
		// it itself: the clock may have been set while there was none.
		Waited time.Duration
		// Aged is for how long all Candidates exist at least, 0 if that is not
		// known.
		Aged time.Duration
		Terms
		// Batches are all that carry the tag for certain.
		Batches []string
		// Candidates are all that may carry it: their rows do not tell yet. A
		// provider that lists tags has none.
		Candidates []string
	}
	// CancelDone says that Surplus[Cancelled] is cancelled, or cannot be.
	CancelDone struct{}
	// Abandoned says that a person wants the rows of a batch in doubt to be
	// free, though they may then be paid for twice.
	Abandoned struct{ Reason Reason }
	// Freed says that the rows of such a batch are free.
	Freed struct{}
	// PutOff says that the provider refused the batch for now, so that nothing
	// of it ran, and that it may be created again from then on: from the same
	// upload or, if Upload is set, from a new one.
	PutOff struct {
		Reason Reason
		Again  time.Time
		Upload bool
	}
	// Refused says that the provider does not accept the batch, or its upload,
	// or that a batch that does not exist yet is not wanted any more.
	Refused struct{ Reason Reason }
	// CutShort says that the batch is about to be cancelled before its time, so
	// that rows which do not run can go on elsewhere.
	CutShort struct{}
	// BatchEnded says that the batch is in a terminal status, for a Reason if
	// it was refused as a whole, maybe before it existed, and its rows are to
	// fail with it.
	BatchEnded struct{ Reason *Reason }
	// Proven says that the rows of the batch are the intent's.
	Proven struct{}
	// Disowned says that the rows of the batch are somebody else's, or that it
	// has none. From then on it is no candidate.
	Disowned struct{}
	// FetchDone says that all results are on disk, but for those of Missing
	// rows which may come later.
	FetchDone struct{ Missing int }
	// FetchPart says that so many rows are Missing, and maybe that from now on
	// a person has to decide about them.
	FetchPart struct {
		Missing   int
		Undecided bool
	}
	// Decided says what a person wants to become of Missing rows.
	Decided struct{ Verdict Verdict }
	// FetchLost says that the results on disk are damaged, and none is settled.
	FetchLost struct{}
	// SettlePart says that every row is settled but those that are Missing.
	SettlePart struct{}
	// SettleDone says that every row is settled.
	SettleDone struct{}
	// CleanDone says that nothing is left to do for the batch: its rows are
	// settled or free. FileGone says that the provider no longer has its File.
	// Waste is what its surplus batches have cost.
	CleanDone struct {
		FileGone bool
		Waste    int64
	}
)
