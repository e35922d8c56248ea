package main

import (
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable"
)

// describeState is the state in a few words.
func describeState(s durable.Status) string {
	switch s.State {
	case durable.StateStopped:
		if s.Wanted != durable.StateRunning {
			return fmt.Sprintf("%s, to be %s", s.State, s.Wanted)
		}
	case durable.StateRunning, durable.StatePaused, durable.StateCancelling:
		return fmt.Sprintf("%s (process %d)", s.State, s.PID)
	case durable.StateCancelled, durable.StateCompleted:
	}
	return string(s.State)
}

// nextStep says why a run does not go on, or how to resume it.
func nextStep(s durable.Status) string {
	switch s.State {
	case durable.StatePaused:
		why := ""
		if s.Reason != "" {
			why = s.Reason + ": "
		}
		return fmt.Sprintf("%sbuys nothing new: give \"baler resume %s\" to go on", why, s.Name)
	case durable.StateCancelling, durable.StateCancelled:
		if s.Reason == "time_limit" {
			return "its time limit was over"
		}
		return "on request"
	case durable.StateStopped:
		return stoppedAdvice(s)
	case durable.StateRunning, durable.StateCompleted:
	}
	return ""
}

func stoppedAdvice(s durable.Status) string {
	again := "run it again to go on"
	if s.NeedsAction {
		again = "see to that, and then run it again to go on"
	}
	switch s.Wanted {
	case durable.StateCancelled:
		again = "run it again to cancel its open batches and to download the results of rows that ran"
		if len(s.Open) == 0 {
			again = "it buys nothing more"
		}
	case durable.StatePaused:
		again = fmt.Sprintf("give \"baler resume %s\" and run it again to go on", s.Name)
	case durable.StateRunning, durable.StateCancelling, durable.StateCompleted, durable.StateStopped:
		if slices.ContainsFunc(s.Open, func(b durable.OpenBatch) bool { return b.Undecided }) {
			again = "run it again to ask once more, or decide with \"baler settle\""
		}
	}
	return s.Reason + ": " + again
}
