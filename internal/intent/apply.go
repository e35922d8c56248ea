package intent

import (
	"errors"
	"fmt"
	"slices"
)

// ErrOutOfOrder means that an event does not fit the state: a bug of the
// caller.
var ErrOutOfOrder = errors.New("intent: event out of order")

// Apply returns the intent as it is after the event, at the next revision. A
// Listed that brings nothing new returns the intent as it was, and so does an
// event that is out of order.
func Apply(i Intent, e Event) (Intent, error) {
	next := i
	if err := e.apply(&next); err != nil {
		return i, err
	}
	return next, nil
}

// move changes the state if it is one of from.
func (i *Intent) move(e Event, to State, from ...State) error {
	if !slices.Contains(from, i.State) {
		return i.outOfOrder(e)
	}
	i.State = to
	i.Rev++
	return nil
}

func (i *Intent) outOfOrder(e Event) error {
	return fmt.Errorf("%w: %T in %s (%s)", ErrOutOfOrder, e, i.State, i.Tag)
}

func (e UploadDone) apply(i *Intent) error {
	i.Account, i.File = e.Account, e.File
	return i.move(e, Uploaded, Sealed, Uploaded)
}

func (e Sending) apply(i *Intent) error {
	i.Account, i.SentAt, i.Deadline = e.Account, e.Now, e.Deadline
	i.Creates++
	i.Looks, i.Repeats = 0, e.Repeats
	if e.Repeats {
		return i.move(e, Creating, Unknown)
	}
	return i.move(e, Creating, Uploaded)
}

func (e Created) apply(i *Intent) error {
	if n := slices.Index(i.Surplus, e.Batch); n >= 0 { // it was answered with a batch that was made before
		i.Surplus = slices.Delete(slices.Clone(i.Surplus), n, n+1)
		if n < i.Cancelled {
			i.Cancelled--
		}
	}
	i.Batch, i.Reason = e.Batch, nil
	return i.move(e, Submitted, Creating)
}

func (e NotCreated) apply(i *Intent) error {
	if i.Repeats {
		return i.move(e, Unknown, Creating)
	}
	return i.move(e, Uploaded, Creating)
}

func (e Unclear) apply(i *Intent) error {
	if !i.InDoubt() {
		i.Since = i.SentAt
	}
	i.Doubts++
	if e.Now.Before(i.Deadline) && !e.Now.Before(i.SentAt) { // or the clock was set back
		i.Deadline = e.Now
	}
	return i.move(e, Unknown, Creating)
}

func (e CancelDone) apply(i *Intent) error {
	if i.Cancelled == len(i.Surplus) {
		return i.outOfOrder(e)
	}
	i.Cancelled++
	i.Rev++
	return nil
}

func (e Abandoned) apply(i *Intent) error {
	i.Reason, i.Abandoned, i.Waste = &e.Reason, true, i.Reserved
	return i.move(e, Rejected, Unknown, Held)
}

func (e Freed) apply(i *Intent) error {
	if !i.Abandoned || i.Freed {
		return i.outOfOrder(e)
	}
	i.Freed = true
	return i.move(e, Rejected, Rejected)
}

func (e PutOff) apply(i *Intent) error {
	if i.Unproven {
		return i.disown(e, Submitted)
	}
	if i.Batch != "" {
		i.Past = append(slices.Clip(i.Past), i.Batch)
	}
	i.Reason, i.Again, i.Batch = &e.Reason, e.Again, ""
	i.Refusals++
	to := Uploaded
	if e.Upload {
		to, i.File = Sealed, ""
	}
	return i.move(e, to, Uploaded, Submitted)
}

func (e Refused) apply(i *Intent) error {
	if i.Unproven {
		return i.disown(e, Submitted)
	}
	if i.Batch != "" {
		i.Refusals++
	}
	i.Reason = &e.Reason
	return i.move(e, Rejected, Sealed, Uploaded, Submitted)
}

func (e CutShort) apply(i *Intent) error {
	if i.State != Submitted || i.Unproven {
		return i.outOfOrder(e)
	}
	if !i.Short {
		i.Short = true
		i.Rev++
	}
	return nil
}

func (e BatchEnded) apply(i *Intent) error {
	if i.Unproven && e.Reason != nil {
		return i.disown(e, Submitted)
	}
	i.Reason = e.Reason
	if i.Refused() && i.State != Sealed {
		i.Refusals++
	}
	return i.move(e, Ended, Sealed, Uploaded, Submitted)
}

func (e FetchDone) apply(i *Intent) error {
	if i.Unproven {
		return i.outOfOrder(e)
	}
	i.Missing = e.Missing
	i.Undecided = i.Undecided && e.Missing > 0
	return i.move(e, Fetched, Ended)
}

func (e FetchPart) apply(i *Intent) error {
	undecided := i.Undecided || e.Undecided
	if i.State != Ended || i.Unproven || e.Missing <= 0 {
		return i.outOfOrder(e)
	}
	if i.Missing == e.Missing && i.Undecided == undecided {
		return nil
	}
	i.Missing, i.Undecided = e.Missing, undecided
	return i.move(e, Ended, Ended)
}

func (e Decided) apply(i *Intent) error {
	if i.Missing == 0 || i.Verdict != "" || e.Verdict == "" {
		return i.outOfOrder(e)
	}
	i.Verdict, i.Undecided = e.Verdict, false
	return i.move(e, Ended, Ended)
}

func (e FetchLost) apply(i *Intent) error { return i.move(e, Ended, Fetched) }

func (e SettlePart) apply(i *Intent) error {
	if !i.Waits() {
		return i.outOfOrder(e)
	}
	return i.move(e, Ended, Fetched)
}

func (e SettleDone) apply(i *Intent) error {
	if i.Waits() {
		return i.outOfOrder(e)
	}
	return i.move(e, Committed, Fetched)
}

func (e CleanDone) apply(i *Intent) error {
	if i.Next() == Find || i.Next() == Cancel || i.Abandoned && !i.Freed {
		return i.outOfOrder(e)
	}
	if e.FileGone {
		i.File = ""
	}
	i.Waste = max(i.Waste, e.Waste)
	return i.move(e, Cleaned, Committed, Rejected)
}
