package durable

import (
	"errors"
	"fmt"
	"strings"
)

// Decision says what happens to rows that ran or may have run and have no
// result at the provider, or that are in a batch whose creation was not
// answered.
type Decision string

// The decisions.
const (
	// DecisionFail fails the rows, with the code "result_missing" and the class
	// ambiguous: they may have been paid for.
	DecisionFail Decision = "fail"
	// DecisionSend sends the rows again: they may be paid for twice, and count
	// as Progress.Resent. They take a route anew, another one if Job.Choose or
	// Job.Failover says so by now.
	DecisionSend Decision = "again"
	// DecisionBuyAgain is about a batch that may or may not exist, because its
	// creation was not answered. Its rows wait no longer for the end of the
	// doubt, and are bought again: they take a route anew, and count as
	// Progress.Resent. What the batch may have cost counts as Spending.Waste,
	// of no tenant. After the grace it is looked for once more, and cancelled
	// if it is there, at a provider that keeps tags; at others nobody can tell
	// it from another batch while it runs. A run that has all its results does not wait for a
	// provider that does not answer that, and the next Run asks again.
	DecisionBuyAgain Decision = "buy-again"
)

// These refuse a decision that does not fit the batch.
var (
	errNotMissing = errors.New("durable: no row of the batch is missing")
	errNotUnclear = errors.New("durable: the batch is not in doubt")
)

// UndecidedError is the error of a run that has settled everything except rows
// that ran or may have run and have no result at the provider. The next Run
// downloads their results again. Handle.Settle decides about them.
type UndecidedError struct {
	Name    string
	Batches []OpenBatch // each with its Missing rows
}

// Error names the batches.
func (e *UndecidedError) Error() string {
	names, rows := make([]string, len(e.Batches)), 0
	for i, b := range e.Batches {
		names[i], rows = b.Batch, rows+b.Missing
	}
	return fmt.Sprintf("durable: the run %q waits for a decision: %s of %s ran or may have run, without a result",
		e.Name, rowCount(rows), strings.Join(names, ", "))
}

// buyAgainAdvice says how to end a doubt with the command line.
func buyAgainAdvice(run, batch string) string {
	return fmt.Sprintf(`"baler settle %s --batch %s --unclear buy-again" buys its rows again at once, and they may then be paid for twice`, run, batch)
}

// settleAdvice says how to decide with the command line.
func settleAdvice(run, batch string) string {
	return fmt.Sprintf(`"baler settle %s --batch %s --missing fail" fails these rows, "--missing again" sends them again, `+
		"and they may then be paid for twice; the provider's files are kept", run, batch)
}
