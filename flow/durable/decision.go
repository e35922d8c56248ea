package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
)

// Decision is what becomes of rows that ran, or may have, and of which the
// provider has no result.
type Decision string

// The decisions.
const (
	// FailMissing fails the rows, with the code "result_missing" and the class
	// ambiguous: they may have been paid for.
	FailMissing Decision = "fail"
	// SendMissing sends the rows again: they may be paid for twice.
	SendMissing Decision = "again"
)

// ErrNotMissing refuses to decide about a batch of which no row is missing.
var ErrNotMissing = errors.New("durable: no row of the batch is missing")

// UndecidedError is how a run ends of which everything is settled but rows that
// ran, or may have, and of which the provider has no result. Run asks for them
// again; Handle.Settle decides about them.
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
	return fmt.Sprintf("durable: the run %q waits for a decision: %d rows of %s ran, or may have, and are in no result",
		e.Name, rows, strings.Join(names, ", "))
}

// settleAdvice is how to decide, in the words of the command line.
func settleAdvice(run, batch string) string {
	return fmt.Sprintf(`"baler settle %s --batch %s --missing fail" fails these rows, "--missing again" sends them again, `+
		"and they may then be paid for twice; the provider's files are kept", run, batch)
}

// Settle decides what becomes of the rows of a batch that ran, or may have, and of
// which the provider has no result. The batch is named as in the Status, by its
// Batch or its Tag. The process that runs the run does it within about a second,
// or else the next one does; results that have come by then count. To decide the
// same again is no mistake, and to decide otherwise is an error.
//
// The error is ErrNotMissing for a batch of which no row is missing. About the end
// of ctx see Pause.
func (h *Handle) Settle(ctx context.Context, batch string, d Decision) error {
	if d != FailMissing && d != SendMissing {
		return fmt.Errorf("durable: decision %q: must be %q or %q", d, FailMissing, SendMissing)
	}
	s, err := h.Status()
	if err != nil {
		return err
	}
	tag := ""
	for _, b := range s.Open {
		if batch != "" && (b.Batch == batch || b.Tag == batch) && b.Missing > 0 {
			tag = b.Tag
		}
	}
	c, err := h.dir.Change(func(*rundir.Control) (bool, error) { return decideIn(h.dir, batch, tag, d) })
	if err != nil {
		return err
	}
	return h.obeyed(ctx, c.Rev, "the decision")
}

// decideIn records a decision under the tag of the batch, and as the caller named
// it, so that it is known when the batch is settled.
func decideIn(d rundir.Dir, batch, tag string, decision Decision) (changed bool, err error) {
	made, err := d.Decisions()
	if err != nil {
		return false, err
	}
	switch was := Decision(cmp.Or(made[tag], made[batch])); {
	case was == decision:
		return false, nil
	case was != "":
		return false, fmt.Errorf("durable: batch %s: it was decided already: %s", batch, was)
	case tag == "":
		return false, fmt.Errorf("%w: %q", ErrNotMissing, batch)
	}
	made[tag], made[batch] = string(decision), string(decision)
	return true, d.Write(rundir.DecisionsFile, made)
}

// decisions are those that this process knows of.
type decisions struct {
	mu    sync.Mutex
	made  map[string]string // by tag
	moved chan struct{}     // closed when there are more
}

func newDecisions(made map[string]string) *decisions {
	return &decisions{made: made, moved: make(chan struct{})}
}

func (d *decisions) set(made map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(made) > len(d.made) { // none is ever taken back
		close(d.moved)
		d.moved = make(chan struct{})
	}
	d.made = made
}

// of returns what was decided about a batch, "" if nothing was, and what to wait
// for.
func (d *decisions) of(in intent.Intent) (Decision, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Decision(d.made[in.Tag]), d.moved
}

// decide records what was decided about the rows that are missing.
func (e *engine) decide(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	d, _ := e.decisions.of(in)
	if d == "" || !in.Waits() {
		return in, nil
	}
	e.log.InfoContext(ctx, "decided about missing rows", "tag", in.Tag, "batch", in.Batch, "rows", in.Missing, "decision", d)
	return e.advance(ctx, in, intent.Decided{Verdict: intent.Verdict(d)})
}

// undecided is how a run ends that waits for a person.
func (e *engine) undecided() error {
	var waiting []OpenBatch
	for _, b := range e.board.list() {
		if b.Undecided {
			waiting = append(waiting, b)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	return &UndecidedError{Name: e.name, Batches: waiting}
}
