package durable

import (
	"context"
	"errors"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/sink/llm/price"
)

// canaryWatch holds back the rows of a job until its first ones did well. How
// those did is a part of the journal's lines that settle them. That they have
// passed, or failed, is a line of its own, so that it lasts longer than the
// process.
type canaryWatch struct {
	*config
	batches  *batches
	guard    *guard
	progress *progress
	changed  wakeup

	mu      sync.Mutex
	state   canaryState
	figures CanaryProgress
	resumes int  // as the control file had it when the canary failed
	told    bool // this process has paused the run, and said so
}

type canaryState int

const (
	canaryOff    canaryState = iota // there is none, or it has passed
	canaryAsking                    // its rows are asked
	canaryFailed                    // a person decides
)

// recover finds out what an earlier process has judged. A run that was resumed
// since then goes on.
func (w *canaryWatch) recover(mark *jobdir.CanaryMark, control rundir.Control) error {
	if !w.canary.isSet() {
		return nil
	}
	w.state = canaryAsking
	switch {
	case mark == nil:
	case mark.Passed:
		w.passed()
	case control.Resumes > mark.Resumes:
		if err := w.note(jobdir.CanaryMark{Passed: true}); err != nil {
			return err
		}
		w.passed()
	default:
		w.state, w.resumes = canaryFailed, mark.Resumes
	}
	figures := w.figures
	w.progress.value.Canary = &figures
	return nil
}

func (w *canaryWatch) note(m jobdir.CanaryMark) error {
	return w.batches.journal.Append(jobdir.Line{Canary: &m})
}

func (w *canaryWatch) passed() { w.state, w.figures.Passed = canaryOff, true }

// asks reports whether the rows of the canary are being asked.
func (w *canaryWatch) asks() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state == canaryAsking
}

// hasFailed reports whether a person has to decide.
func (w *canaryWatch) hasFailed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state == canaryFailed
}

// left returns how many rows are to be asked before the others, once no batch
// is open. Zero means that they can be judged.
func (w *canaryWatch) left() int {
	size := w.canary.size(w.progress.now().Rows)
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(0, size-w.figures.Answers)
}

// count counts answers, which the journal has.
func (w *canaryWatch) count(asked jobdir.Asked, cost price.Money) {
	w.mu.Lock()
	if w.state != canaryAsking || asked == (jobdir.Asked{}) {
		w.mu.Unlock()
		return
	}
	w.figures.add(asked, cost)
	w.mu.Unlock()
	w.show()
}

// show takes the figures over into the progress.
func (w *canaryWatch) show() {
	w.mu.Lock()
	figures := w.figures
	w.mu.Unlock()
	w.progress.update(func(p *Progress) { p.Canary = &figures })
}

// judge lets the other rows follow, or keeps that a person has to decide.
func (w *canaryWatch) judge() error {
	w.mu.Lock()
	figures := w.figures
	w.mu.Unlock()
	if w.canary.judge(&figures) == "" {
		return w.pass()
	}
	c, err := w.dir.Control()
	if err != nil {
		return err
	}
	if err := w.note(jobdir.CanaryMark{Resumes: c.Resumes}); err != nil {
		return err
	}
	w.mu.Lock()
	w.state, w.resumes = canaryFailed, c.Resumes
	w.mu.Unlock()
	return nil
}

// holds reports whether rows wait for a person, because the canary has failed.
// Then the run is paused, once in each process, as an earlier one may have died
// before that. If all rows are settled, nothing waits.
func (w *canaryWatch) holds(ctx context.Context) (bool, error) {
	if !w.hasFailed() || w.progress.finished() {
		return false, nil
	}
	w.mu.Lock()
	figures, told, resumes := w.figures, w.told, w.resumes
	w.told = true
	w.mu.Unlock()
	if told {
		return true, nil
	}
	return true, w.pause(ctx, resumes, w.canary.judge(&figures))
}

// pass lets the other rows follow, for good.
func (w *canaryWatch) pass() error {
	if err := w.note(jobdir.CanaryMark{Passed: true}); err != nil {
		return err
	}
	w.mu.Lock()
	w.passed()
	w.mu.Unlock()
	w.show()
	w.changed.signal()
	return nil
}

// pause pauses the run, as its guard does. If a person has decided already, who
// may have read of the failure in another process, the run goes on.
func (w *canaryWatch) pause(ctx context.Context, resumes int, wrong string) error {
	c, err := pauseOnce(w.dir, resumes, wrong)
	if _, cancelled := errors.AsType[*CancelledError](err); cancelled || err == nil && c.Resumes > resumes {
		return nil // nothing follows anyhow, or resumed is called soon
	}
	if err != nil {
		return err
	}
	w.guard.follow(c)
	w.guard.notices.raise(ctx, Notice{
		Kind: NoticeCanary, Text: "the run is paused: " + wrong,
		Advice: "look at the results: then resume the run (baler resume), so that the other rows follow, or cancel it",
	})
	return nil
}

// resumed lets the other rows follow of a run that a person has resumed since
// its canary failed.
func (w *canaryWatch) resumed(resumes int) error {
	w.mu.Lock()
	decided := w.state == canaryFailed && resumes > w.resumes
	w.mu.Unlock()
	if !decided {
		return nil
	}
	w.guard.notices.clear(NoticeCanary, "")
	return w.pass()
}
