package durable

import (
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// A person who resumes a run knows of the canary that failed in an earlier
// process. A process that has yet to say so does not pause the run again.
func TestACanaryIsNotPausedAfterItWasResumed(t *testing.T) {
	t.Parallel()
	dir := rundir.Dir{Path: t.TempDir()}
	if _, err := want(dir, StatePaused, "the canary failed"); err != nil {
		t.Fatal(err)
	}
	w := &canaryWatch{config: &config{dir: dir, canary: Canary{Items: 10}}, progress: &progress{}, state: canaryFailed}
	w.progress.value.Rows, w.figures = 100, CanaryProgress{Answers: 10, Failed: 10}
	if _, err := want(dir, StateRunning, ""); err != nil { // before the run has seen the pause
		t.Fatal(err)
	}
	if held, err := w.holds(t.Context()); !held || err != nil {
		t.Fatal(held, err)
	}
	c, err := dir.Control()
	if err != nil || State(c.Want) != StateRunning || c.Resumes != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}
