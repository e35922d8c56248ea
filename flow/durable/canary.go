package durable

import (
	"errors"
	"fmt"
	"math"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm/price"
)

// These are the defaults of a Canary.
const (
	DefaultCanaryFailed  = 0.1
	DefaultCanaryInvalid = 0.1
	// LeastCanary is how many items a Share has at least.
	LeastCanary = 20
)

// Canary lets a job ask a few of its items before the others, so that a bad
// prompt or a wrong model costs little. They are the first ones in the order of
// Job.Queue. Once all of them are answered, they are judged. If they did well,
// the others follow. Otherwise the run is paused, and its Reason has the
// figures: look at the results, and then resume it, which lets the others
// follow, or cancel it. What was judged lasts for all starts of a job.
//
// An answer counts each time that an item is asked, so a failure that is
// retried counts as one. Answers from the cache do not. Items near their
// deadline do not wait for the others, see Route.Within.
type Canary struct {
	// Items is how many items are asked first. Zero means the Share.
	Items int
	// Share is how many of all items are asked first, such as 0.01, but 20 at
	// least. It needs Job.ReadAll. Zero means none, unless Items says otherwise.
	Share float64
	// MaxFailed is which share of the answers may be failures, other than
	// invalid answers, up to 1. Zero means 0.1.
	MaxFailed float64
	// MaxInvalid is which share of the answers may fail Job.Check, or not fit
	// Job.Answer, up to 1. Zero means 0.1.
	MaxInvalid float64
	// MaxCost is what an answer may cost on average. Zero means any amount.
	// Prices must be known, as for a Budget.
	MaxCost price.Money
}

func (c *Canary) isSet() bool { return c.Items > 0 || c.Share > 0 }

func (j *Job[T]) validateCanary() error {
	c := &j.Canary
	for name, share := range map[string]float64{"Share": c.Share, "MaxFailed": c.MaxFailed, "MaxInvalid": c.MaxInvalid} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("durable: Job.Canary.%s is %v: must be from 0 to 1", name, share)
		}
	}
	switch {
	case c.Items < 0 || c.MaxCost < 0:
		return errors.New("durable: Job.Canary must not be negative")
	case c.Items > 0 && c.Share > 0:
		return errors.New("durable: Job.Canary has Items and Share: give one of them")
	case c.Share > 0 && !j.ReadAll:
		return errors.New("durable: Job.Canary.Share needs Job.ReadAll, because it is a share of all items")
	case !c.isSet() && *c != Canary{}:
		return errors.New("durable: Job.Canary has limits, and neither Items nor a Share")
	}
	return nil
}

// size returns how many answers are judged, of so many items.
func (c *Canary) size(items int) int {
	if c.Items > 0 {
		return c.Items
	}
	return max(LeastCanary, int(math.Ceil(c.Share*float64(items))))
}

// CanaryProgress is what the first items of a job with a Canary did.
type CanaryProgress struct {
	Answers int         `json:"answers"` // that count
	Failed  int         `json:"failed"`  // of these, without the Invalid ones
	Invalid int         `json:"invalid"`
	Cost    price.Money `json:"cost"`
	Passed  bool        `json:"passed"` // the other items follow
}

// add counts answers and what they have cost.
func (p *CanaryProgress) add(a jobdir.Asked, cost price.Money) {
	p.Answers, p.Failed, p.Invalid, p.Cost = p.Answers+a.Rows, p.Failed+a.Failed, p.Invalid+a.Invalid, p.Cost.Add(cost)
}

// Average returns what an answer has cost on average.
func (p *CanaryProgress) Average() price.Money {
	if p.Answers == 0 {
		return 0
	}
	return p.Cost / price.Money(p.Answers)
}

// judge returns what is wrong with the first answers, "" if they did well.
func (c *Canary) judge(p *CanaryProgress) string {
	failed, invalid := orDefault(c.MaxFailed, DefaultCanaryFailed), orDefault(c.MaxInvalid, DefaultCanaryInvalid)
	share := func(n int) float64 { return float64(n) / float64(max(1, p.Answers)) }
	if share(p.Failed) <= failed && share(p.Invalid) <= invalid && (c.MaxCost == 0 || p.Average() <= c.MaxCost) {
		return ""
	}
	cost := ""
	if c.MaxCost > 0 {
		cost = fmt.Sprintf(" (%s at most)", c.MaxCost)
	}
	return fmt.Sprintf("of the first %d answers, %d failed (%.0f %%, %.0f %% may), %d were invalid (%.0f %%, %.0f %% may), and each cost %s on average%s",
		p.Answers, p.Failed, 100*share(p.Failed), 100*failed, p.Invalid, 100*share(p.Invalid), 100*invalid, p.Average().Round(6), cost)
}

func orDefault(v, fallback float64) float64 {
	if v == 0 {
		return fallback
	}
	return v
}
