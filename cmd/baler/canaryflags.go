package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
)

// canaryFlags are the flags about the rows that are asked before the others.
type canaryFlags struct {
	size            sizeFlag
	failed, invalid shareFlag
	cost            moneyFlag
}

func (c *canaryFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&c.size, "canary", `rows that are asked before the others, the first in the order of --queue: a number, or a share such as 1%, of which there are 20 at least; if they do badly, the run is paused with the figures until "baler resume"`)
	f.Var(&c.failed, "canary-failed", "share of the canary's answers that may be failures other than invalid answers (default 10%)")
	f.Var(&c.invalid, "canary-invalid", "share of the canary's answers that may be invalid (default 10%)")
	f.Var(&c.cost, "canary-cost", "most that an answer of the canary may cost on average, such as 0.01usd (default: any amount)")
}

func (c *canaryFlags) validate() error {
	if c.size == (sizeFlag{}) && (c.failed > 0 || c.invalid > 0 || c.cost.set) {
		return usage("--canary-failed, --canary-invalid and --canary-cost are about --canary, which is not given")
	}
	return nil
}

func (c *canaryFlags) limits() durable.Canary {
	return durable.Canary{
		Items: c.size.rows, Share: float64(c.size.share), MaxFailed: float64(c.failed), MaxInvalid: float64(c.invalid), MaxCost: c.cost.Money,
	}
}

// sizeFlag is a number of rows, or a share of them all.
type sizeFlag struct {
	rows  int
	share shareFlag
}

// String implements pflag.Value.
func (s *sizeFlag) String() string {
	if s.rows > 0 {
		return strconv.Itoa(s.rows)
	}
	return s.share.String()
}

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) (err error) {
	*s = sizeFlag{}
	if strings.HasSuffix(text, "%") {
		return s.share.Set(text)
	}
	if s.rows, err = strconv.Atoi(text); err != nil || s.rows < 1 {
		return errors.New("must be a number of rows, such as 100, or a share of them, such as 1%")
	}
	return nil
}

// Type implements pflag.Value.
func (*sizeFlag) Type() string { return "size" }
