package jobdir

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// Spent is what the requests of a route have cost, and what is learned from
// them for the estimate of others.
type Spent struct {
	Cost     price.Money `json:"cost,omitempty"`     // what the provider bills
	List     price.Money `json:"list,omitempty"`     // what the same costs live, as far as that price is known; otherwise Cost
	Measured int         `json:"measured,omitempty"` // answers whose usage is known
	Asked    int64       `json:"asked,omitempty"`    // the size of their requests, see Entry.Asked
	Unpriced int         `json:"unpriced,omitempty"` // answers whose price or usage is not known
}

// Add returns the sum.
func (s Spent) Add(t Spent) Spent {
	return Spent{s.Cost.Add(t.Cost), s.List.Add(t.List), s.Measured + t.Measured, s.Asked + t.Asked, s.Unpriced + t.Unpriced}
}

// Cost returns what all routes have cost.
func (s *OutputState) Cost() (total price.Money) {
	for _, r := range s.Routes {
		total = total.Add(r.Cost)
	}
	return total
}

// CostOf returns what a row has cost, at the prices that its chunk was settled
// at, with what was paid for it before. It is nil if that is not known.
func CostOf(row *Entry, o *Outcome, used *llm.Usage, tiers []price.Tier) *price.Money {
	sum := row.Paid()
	switch {
	case o.Origin != "":
		return &sum
	case used == nil || *used == (llm.Usage{}):
		if o.Answered() {
			return nil
		}
		return &sum
	}
	model := price.Model{Batch: tiers}
	tier, known := model.Tier(price.Batch, InputOf(o.Body, *used))
	if !known {
		return nil
	}
	sum = sum.Add(tier.Cost(*used))
	return &sum
}

// AddTier adds a tier to those that a chunk has used, the lowest first.
func AddTier(tiers []price.Tier, tier price.Tier) []price.Tier {
	if n := len(tiers); n > 0 && tiers[n-1].Above == tier.Above { // as nearly always
		return tiers
	}
	n, found := slices.BinarySearchFunc(tiers, tier, func(a, b price.Tier) int { return a.Above - b.Above })
	if found {
		return tiers
	}
	return slices.Insert(tiers, n, tier)
}

// Amount is what something has cost, or may, and what the same costs live, as far
// as that is known; otherwise List is the Cost.
type Amount struct {
	Cost price.Money `json:"cost"`
	List price.Money `json:"list,omitempty"` // zero in reservations
}

// Add returns the sum.
func (a Amount) Add(b Amount) Amount { return Amount{a.Cost.Add(b.Cost), a.List.Add(b.List)} }

// TenantCost is what the rows of a target's tenant have cost, or may.
type TenantCost struct {
	Target int `json:"target"`
	Amount
}

// BatchProgress is how far the rows of a batch are settled, and what they have
// cost so far.
type BatchProgress struct {
	Rows uint64
	Cost price.Money
}

// Op returns the op that stores the progress of a batch.
func (p BatchProgress) Op(k Keys, tag string) state.Op {
	value := binary.BigEndian.AppendUint64(nil, p.Rows)
	value = binary.BigEndian.AppendUint64(value, uint64(p.Cost)) //nolint:gosec // not negative
	return state.Put(k.Progress(tag), value, p.Rows)
}

// ProgressOf returns the progress of a batch according to the store.
func (a *Dir) ProgressOf(ctx context.Context, index state.Store, tag string) (BatchProgress, error) {
	rec, err := index.Get(ctx, a.Keys.Progress(tag))
	if errors.Is(err, state.ErrNotFound) {
		return BatchProgress{}, nil
	}
	if err != nil {
		return BatchProgress{}, err
	}
	d := Decoder{B: rec.Value}
	p := BatchProgress{Rows: d.U64(), Cost: price.Money(d.U64())} //nolint:gosec // as Op wrote it
	return p, d.Err
}

// TenantOp returns the op that stores what the rows of a tenant in a batch have
// cost, once so many of its rows are settled.
func (c TenantCost) TenantOp(k Keys, tag string, rows uint64) state.Op {
	value := binary.BigEndian.AppendUint64(nil, uint64(c.Cost))  //nolint:gosec // not negative
	value = binary.BigEndian.AppendUint64(value, uint64(c.List)) //nolint:gosec // not negative
	return state.Put(k.tenantCost(tag, c.Target), value, rows)
}

// TenantCosts returns what the rows of each tenant in a batch have cost
// according to the store, by target.
func (a *Dir) TenantCosts(ctx context.Context, index state.Store, tag string) (map[int]Amount, error) {
	all, prefix := make(map[int]Amount), a.Keys.Make('t', []byte(tag)...)
	for rec, err := range index.Scan(ctx, prefix, nil) {
		if err != nil {
			return nil, err
		}
		key, value := Decoder{B: rec.Key[len(prefix):]}, Decoder{B: rec.Value}
		cost := Amount{Cost: price.Money(value.U64())} //nolint:gosec // as TenantOp wrote it
		if len(value.B) > 0 {                          // the list price was not kept at first
			cost.List = price.Money(value.U64()) //nolint:gosec // likewise
		}
		all[int(key.u16())] = cost
		if err := errors.Join(key.Err, value.Err); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// BatchCosts is what the rows of a batch have cost.
type BatchCosts struct {
	Cost     price.Money
	ByTarget map[int]Amount // rows of tenants
}

// CostsOf sums up what chunks have cost, by batch: those up to a row of each.
func CostsOf(chunks []Settled, until func(tag string) uint64) map[string]BatchCosts {
	all := make(map[string]BatchCosts)
	for i := range chunks {
		c := &chunks[i]
		if c.Until > until(c.Tag) {
			continue
		}
		sum := all[c.Tag]
		sum.Cost = sum.Cost.Add(c.Cost)
		for _, t := range c.Tenants {
			if sum.ByTarget == nil {
				sum.ByTarget = make(map[int]Amount)
			}
			sum.ByTarget[t.Target] = sum.ByTarget[t.Target].Add(t.Amount)
		}
		all[c.Tag] = sum
	}
	return all
}

// Ops returns the ops that store what is settled of a batch.
func (c BatchCosts) Ops(k Keys, tag string, rows uint64) []state.Op {
	ops := []state.Op{BatchProgress{Rows: rows, Cost: c.Cost}.Op(k, tag)}
	for target, cost := range c.ByTarget {
		ops = append(ops, TenantCost{target, cost}.TenantOp(k, tag, rows))
	}
	return ops
}

// Tenants lists what rows of tenants have cost.
func (c BatchCosts) Tenants() (all []TenantCost) {
	for _, target := range slices.Sorted(maps.Keys(c.ByTarget)) {
		all = append(all, TenantCost{target, c.ByTarget[target]})
	}
	return all
}

// verifyLedger compares what batches have cost in the journal, in the records
// of the batches and in that of the output.
func verifyLedger(ctx context.Context, a *Dir, store state.Store, replayed *Replayed) error {
	output := Record[OutputState]{Key: a.Keys.Output()}
	if err := Load(ctx, store, &output); err != nil {
		return err
	}
	recorded, routes := make(map[string]BatchProgress), make(map[int]price.Money)
	for tag, in := range replayed.Intents {
		p, err := a.ProgressOf(ctx, store, tag)
		if err != nil {
			return err
		}
		recorded[tag], routes[in.Route] = p, routes[in.Route].Add(p.Cost)
	}
	known := CostsOf(replayed.Chunks, func(tag string) uint64 { return recorded[tag].Rows })
	for tag, p := range recorded {
		if p.Cost != known[tag].Cost {
			return indexLost(a, "what batch %s has cost: %s, and %s in the journal", tag, p.Cost, known[tag].Cost)
		}
		tenants, err := a.TenantCosts(ctx, store, tag)
		if err != nil {
			return err
		}
		if !maps.Equal(tenants, known[tag].ByTarget) {
			return indexLost(a, "what tenants have spent in batch %s", tag)
		}
	}
	for n, cost := range routes {
		if have := output.Value.Routes[n].Cost; have != cost {
			return indexLost(a, "what was spent: %s on a route whose batches have cost %s", have, cost)
		}
	}
	return nil
}
