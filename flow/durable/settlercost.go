package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// costs is what the rows of a batch have cost.
type costs struct {
	priced

	before   jobdir.BatchProgress  // what is recorded
	recorded map[int]jobdir.Amount // of it, by target
	sum      jobdir.BatchCosts     // of the chunk
	tiers    []price.Tier          // that the chunk has used
}

// spend counts an answer to a row that the provider bills. It returns what it
// costs, and would cost live, and reports false if that is not known.
func (c *chunk) spend(o *jobdir.Outcome, used llm.Usage) (cost, list price.Money, known bool) {
	row, input := &c.row, used.Input
	if c.sharedRequest(o) {
		input = jobdir.InputOf(o.Body, used)
	}
	cost, list = c.cost.cost(used, input)
	more := jobdir.Spent{Cost: cost, List: list, Measured: 1, Asked: int64(row.Asked())}
	if !c.cost.known {
		more.Unpriced = 1
	} else {
		c.cost.tiers = jobdir.AddTier(c.cost.tiers, c.cost.tier(input))
	}
	c.spent.Usage, c.spent.Spent = c.spent.Usage.Add(used), c.spent.Add(more)
	c.cost.add(jobdir.Amount{Cost: cost, List: list}, int(row.Target), c.s.tenants)
	return cost, list, c.cost.known
}

// bill counts what the outcome of a row has cost. If it is an answer that does
// not say what it has used, it counts what was expected, so that a budget still
// binds, and that is not known.
func (c *chunk) bill(o *jobdir.Outcome, used *llm.Usage) (cost, list price.Money, known bool) {
	switch {
	case used != nil && *used != (llm.Usage{}):
		return c.spend(o, *used)
	case !o.Answered():
		return 0, 0, true
	}
	cost, list = c.guess(&c.row)
	c.spent.Spent = c.spent.Add(jobdir.Spent{Cost: cost, List: list, Unpriced: 1})
	c.cost.add(jobdir.Amount{Cost: cost, List: list}, int(c.row.Target), c.s.tenants)
	return cost, list, false
}

// guess returns what is reserved for a row, and what it would cost live.
func (c *chunk) guess(row *jobdir.Entry) (cost, list price.Money) {
	if c.guessed == nil {
		e := c.s.ledger.estimateOf(c.in.Route)
		c.guessed = &e
	}
	cost = c.guessed.reserve(row)
	used := c.guessed.usage(row)
	_, list = c.cost.cost(used, used.Input)
	return cost, max(cost, list)
}

// add counts what a row has cost.
func (c *costs) add(a jobdir.Amount, target int, tenants bool) {
	c.sum.Cost = c.sum.Cost.Add(a.Cost)
	if a == (jobdir.Amount{}) || !tenants {
		return
	}
	if c.sum.ByTarget == nil {
		c.sum.ByTarget = make(map[int]jobdir.Amount)
	}
	c.sum.ByTarget[target] = c.sum.ByTarget[target].Add(a)
}

// spendAgain counts the outcome of the row that is retried last. Its result
// will have cost that, too.
func (c *chunk) spendAgain(o *jobdir.Outcome, used *llm.Usage) {
	if o.Origin != "" {
		return // the request that it shares was counted
	}
	cost, _, _ := c.bill(o, used)
	again := &c.retries[len(c.retries)-1]
	again.SetPaid(again.Paid().Add(cost))
}

// costOf returns what a result has cost, with what was paid for the row before.
// It is nil if that is not known.
func (c *chunk) costOf(row *jobdir.Entry, cost price.Money, known bool) *price.Money {
	if !known {
		return nil
	}
	sum := row.Paid().Add(cost)
	return &sum
}

// ops returns the ops that record what the batch has cost, once the rows of the
// chunk are settled.
func (c *costs) ops(k jobdir.Keys, tag string, until uint64) []state.Op {
	c.before = jobdir.BatchProgress{Rows: until, Cost: c.before.Cost.Add(c.sum.Cost)}
	ops := []state.Op{c.before.Op(k, tag)}
	for target, cost := range c.sum.ByTarget {
		c.recorded[target] = c.recorded[target].Add(cost)
		ops = append(ops, jobdir.TenantCost{Target: target, Amount: c.recorded[target]}.TenantOp(k, tag, until))
	}
	return ops
}

func (c *costs) reset() { c.sum, c.tiers = jobdir.BatchCosts{}, nil }
