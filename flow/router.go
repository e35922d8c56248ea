package flow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Routed is a result with the way it came.
type Routed[Out any] struct {
	Result Out
	Lane   string   // the lane that made it
	Tried  []string // the lanes that failed the item before, in order
}

// RouterConfig is what a [Router] may be told. The zero value is ready to use.
type RouterConfig[In, Out any] struct {
	// Failed reports whether a result is a failure that another lane may cure. The item then goes to a lane that has not
	// tried it, and waits for it if it takes no items now; when all have tried, the failure is the result. Nil means that
	// no result is a failure.
	Failed func(Out) bool
	// Cost is the weight of an item in the load of a lane, such as its tokens. Nil means one each.
	Cost func(In) float64
	// Limit is how many items may be in flight in all lanes together. It must exceed what the lanes gather before they
	// answer. Zero means 65536.
	Limit int
	// Penalty is how long a lane is skipped after a failure. Zero means not at all.
	Penalty time.Duration
	// Recheck is how often lanes are asked again whether they are open while an item finds none that is. Zero means one
	// second.
	Recheck time.Duration
	// Assignments remembers which lane an item was sent to. Nil means that a restart may send it to another.
	Assignments Assignments
}

// ErrLane is a lane that did not keep to the rule of one answer for every item.
var ErrLane = errors.New("lane does not answer every item once")

// Router is a stage that sends every item to one of several lanes and gathers their results, in the order in which they
// come. Items that fail go to another lane.
type Router[In, Out any] struct {
	key   func(In) string
	of    func(Out) string
	pick  Strategy[In]
	lanes []Lane[In, Out]
	c     RouterConfig[In, Out]
}

// NewRouter makes a Router. key identifies an item, and of tells the key of the item that a result belongs to.
// A lane without a name or a stage, a name given twice, or a negative number is an error.
func NewRouter[In, Out any](
	key func(In) string, of func(Out) string, pick Strategy[In], lanes []Lane[In, Out], c RouterConfig[In, Out],
) (*Router[In, Out], error) {
	if err := checkLanes(lanes); err != nil {
		return nil, err
	}
	if c.Limit < 0 || c.Penalty < 0 || c.Recheck < 0 {
		return nil, errors.New("flow: RouterConfig: Limit, Penalty and Recheck must not be negative")
	}
	if c.Limit == 0 {
		c.Limit = 1 << 16
	}
	if c.Recheck == 0 {
		c.Recheck = time.Second
	}
	if c.Cost == nil {
		c.Cost = func(In) float64 { return 1 }
	}
	if c.Failed == nil {
		c.Failed = func(Out) bool { return false }
	}
	return &Router[In, Out]{key: key, of: of, pick: pick, lanes: lanes, c: c}, nil
}

func checkLanes[In, Out any](lanes []Lane[In, Out]) error {
	if len(lanes) == 0 {
		return errors.New("flow: router without lanes")
	}
	seen := map[string]bool{}
	for i, l := range lanes {
		switch {
		case l.Name == "" || seen[l.Name]:
			return fmt.Errorf("flow: lanes[%d].Name %q is empty or taken", i, l.Name)
		case l.Build == nil:
			return fmt.Errorf("flow: lanes[%d].Build is nil", i)
		case l.Weight < 0 || l.Limit < 0:
			return fmt.Errorf("flow: lanes[%d]: Weight and Limit must not be negative", i)
		}
		seen[l.Name] = true
	}
	return nil
}

// String names the stage.
func (r *Router[In, Out]) String() string { return "router" }

// Run makes a Router a [Stage]. It may run several times, one after the other or at once if the Strategy allows.
func (r *Router[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Routed[Out]) error {
	return newRouting(r, out).run(ctx, in)
}
