package durable

import (
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm/price"
)

// purses are what is left of the budgets of tenants while rows for a batch are
// admitted. A nil value has no limit.
type purses struct {
	ledger   *ledger
	byTarget map[uint16]*purse
	byTenant map[string]*price.Money // what is left
}

// purse is what rows of a target take of what is left to its tenant.
type purse struct {
	left  *price.Money
	taken price.Money
}

// newPurses returns nil if tenants have no budgets. The caller holds mu, also
// while it uses them.
func (l *ledger) newPurses() *purses {
	if l.prices.budget.PerTenant == 0 {
		return nil
	}
	return &purses{ledger: l, byTarget: make(map[uint16]*purse), byTenant: make(map[string]*price.Money)}
}

// take takes an amount for a row of a target. It reports false if that is more
// than is left.
func (p *purses) take(target uint16, m price.Money) bool {
	if p == nil {
		return true
	}
	own := p.byTarget[target]
	if own == nil {
		own = p.open(target)
	}
	if m > *own.left {
		return false
	}
	*own.left -= m
	own.taken = own.taken.Add(m)
	return true
}

func (p *purses) open(target uint16) *purse {
	l, tenant := p.ledger, p.ledger.batches.tenant(int(target))
	left := p.byTenant[tenant]
	if left == nil {
		room := l.prices.budget.PerTenant - l.tenants[tenant].Cost.Add(l.reservedFor(tenant))
		left = &room
		p.byTenant[tenant] = left
	}
	own := &purse{left: left}
	p.byTarget[target] = own
	return own
}

// shares lists what was taken, by target.
func (p *purses) shares() (all []jobdir.TenantCost) {
	if p == nil {
		return nil
	}
	for _, target := range slices.Sorted(maps.Keys(p.byTarget)) {
		if taken := p.byTarget[target].taken; taken > 0 {
			all = append(all, jobdir.TenantCost{Target: int(target), Amount: jobdir.Amount{Cost: taken}})
		}
	}
	return all
}
