package sink

import "cmp"

// Calls are how many calls of each kind a client begins in a second at most; as
// many may begin at once. The kinds do not wait for each other: however many
// batches are polled and files deleted, that holds up no upload, creation or
// download. Zero fields mean the provider's defaults.
type Calls struct {
	Uploads   int // of input files, with a look whether the file is there already
	Creates   int // of batches
	Downloads int // of results, with the poll of the batch before
	Polls     int // of the status of a batch
	Deletes   int // of files and batches, with the poll of the batch before
	Others    int // lists, cancellations and checks
}

// EvenCalls are n of each kind.
func EvenCalls(n int) Calls { return Calls{n, n, n, n, n, n} }

// Or returns c with its zero fields taken from others.
func (c Calls) Or(others Calls) Calls {
	return Calls{
		Uploads: cmp.Or(c.Uploads, others.Uploads), Creates: cmp.Or(c.Creates, others.Creates),
		Downloads: cmp.Or(c.Downloads, others.Downloads), Polls: cmp.Or(c.Polls, others.Polls),
		Deletes: cmp.Or(c.Deletes, others.Deletes), Others: cmp.Or(c.Others, others.Others),
	}
}
