package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/retry"
)

// failing is from which share of failing rows on a run says so, and pauses.
type failing struct{ notifyAbove, pauseAbove shareFlag }

func (l *failing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&l.notifyAbove, "notify-above", "share of failed rows, among those of the last 10 minutes, above which a notice is printed, such as 20% (default 20%)")
	f.Var(&l.pauseAbove, "pause-above", `share of failed rows, among those of the last 10 minutes, above which the run, or the route, is paused until "baler resume"; 100% never pauses (default 50%)`)
}

func (l *failing) guard() retry.GuardConfig {
	return retry.GuardConfig{NotifyAbove: float64(l.notifyAbove), PauseAbove: float64(l.pauseAbove)}
}

func (l *failing) validate() error {
	if l.notifyAbove > 0 && l.pauseAbove > 0 && l.pauseAbove < l.notifyAbove {
		return usage("--pause-above is %s: must not be lower than --notify-above, %s", &l.pauseAbove, &l.notifyAbove)
	}
	return nil
}

// shareFlag is a share of a whole, above 0 and at most 1.
type shareFlag float64

// String implements pflag.Value.
func (s *shareFlag) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatFloat(100*float64(*s), 'f', -1, 64) + "%"
}

// Set implements pflag.Value.
func (s *shareFlag) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v > 0 && v <= 1) {
		return errors.New("must be above 0% and at most 100%, such as 50% or 0.5")
	}
	*s = shareFlag(v)
	return nil
}

// Type implements pflag.Value.
func (*shareFlag) Type() string { return "share" }
