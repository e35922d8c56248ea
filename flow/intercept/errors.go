package intercept

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// ErrClosed means that the Interceptor was closed while a call waited. Its row
// stays, and the same call gets its answer from the next one.
var ErrClosed = errors.New("intercept: closed while the call waited: make it again")

// DeadlineError means that a call ends sooner than a batch can be expected to
// answer, or that its deadline has passed while it waited.
type DeadlineError struct {
	// Left is what was left when the call was made.
	Left time.Duration
	// Passed says that the call was made and its row waits.
	Passed bool
	hint   string
}

// Error says what to do.
func (e *DeadlineError) Error() string {
	if e.Passed {
		return "intercept: the deadline has passed while the call waited for its batch: make it again later to get the answer"
	}
	if e.Left <= 0 {
		return "intercept: nothing was bought, as the call has ended: " + e.hint
	}
	return fmt.Sprintf("intercept: the call ends in %s, and batches take longer: %s", e.Left.Round(time.Second), e.hint)
}

// DryRunError is the answer to a call that would have cost something: as a row,
// or because it passes through. Plan counts
// what was asked so far.
type DryRunError struct{ Plan Plan }

// Error names the counts.
func (e *DryRunError) Error() string {
	return "intercept: dry run, nothing was bought: " + e.Plan.String()
}

// Plan counts what the calls of a dry run would do.
type Plan struct {
	Calls   int // that would become rows, or have an answer
	Hits    int // that have an answer, which they got
	Rows    int // that would be bought
	Batches int // of these, if all come at once
	Passed  int // that would pass through, at the full price
}

// String is the plan as a line.
func (p Plan) String() string {
	s := fmt.Sprintf("%s, %d answered before, %s in %s", counted(p.Calls, "call", "calls"), p.Hits, counted(p.Rows, "row", "rows"), counted(p.Batches, "batch", "batches"))
	if p.Passed > 0 {
		s += fmt.Sprintf("; %d more that cannot be rows, at the full price", p.Passed)
	}
	return s
}

// RefusedError is a call that cannot be a row, because of what it asks or says.
type RefusedError struct{ Err error }

// Error says why.
func (e *RefusedError) Error() string { return "intercept: " + e.Err.Error() }

// Unwrap is the reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// StoppedError means that the batches of an account cannot go on until somebody
// acts, or for now. What was asked stays, and the same call goes on with it.
type StoppedError struct {
	Job string // as "baler status" knows it
	Err error
}

// Error says why.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("intercept: the batches of %s have stopped: %v", e.Job, e.Err)
}

// Unwrap is the reason.
func (e *StoppedError) Unwrap() error { return e.Err }

// answerTo returns an error as the provider would have said it.
func answerTo(provider string, err error) Answer {
	status, code, again := http.StatusServiceUnavailable, "baler_unavailable", errors.Is(err, ErrClosed)
	stopped, isStopped := errors.AsType[*StoppedError](err)
	_, isRefused := errors.AsType[*RefusedError](err)
	_, isDry := errors.AsType[*DryRunError](err)
	_, isLate := errors.AsType[*DeadlineError](err)
	switch {
	case isRefused:
		status, code = http.StatusBadRequest, "baler_refused"
	case isDry:
		status, code = http.StatusBadRequest, "baler_dry_run"
	case isLate:
		status, code = http.StatusGatewayTimeout, "baler_deadline"
	case isStopped:
		code, again = "baler_stopped", retry.ClassOf(stopped.Err) == retry.Retryable
		if said, ok := errors.AsType[*retry.Error](stopped.Err); ok {
			if said.Code != "" {
				code = said.Code
			}
			status = statusOf(said.Class, said.Code)
			if said.Status >= http.StatusBadRequest {
				status = said.Status
			}
		}
		if row, ok := errors.AsType[*sink.RowError](stopped.Err); ok && row.Code != "" { // a row or a batch has shown it
			status, code = statusOf(row.Class, row.Code), row.Code
		}
	}
	return Answer{Status: status, Body: errorBody(provider, status, code, err.Error()), again: again}
}
