package durable

import (
	"cmp"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm/price"
)

// Spending is what a job has spent, in dollars.
type Spending struct {
	Cost     price.Money `json:"cost"`             // of all that was settled, with the Waste
	List     price.Money `json:"list"`             // what the same costs at the price for single requests, where that is known
	Waste    price.Money `json:"waste"`            // for batches that were bought twice, as far as known, and what those may have cost that DecisionBuyAgain has replaced
	Reserved price.Money `json:"reserved"`         // what open batches may yet cost
	Budget   price.Money `json:"budget,omitempty"` // of the job, if it has one
	// Unpriced counts the answers whose cost is not known: those of models
	// without a known price, which count nothing, and those that do not say
	// what they have used, which count what was reserved for them.
	Unpriced int `json:"unpriced,omitempty"`

	DayBudget price.Money `json:"day_budget,omitempty"` // of a day, if the job has one
	Today     price.Money `json:"today,omitempty"`      // spent and reserved by batches that were sealed today
}

// Left returns what is left of the budget, zero if there is none.
func (s Spending) Left() price.Money { return max(0, s.Budget-s.Cost.Add(s.Reserved)) }

// Saved returns how much less was paid than single requests would have cost.
func (s Spending) Saved() price.Money { return max(0, s.List-s.Cost) }

// priced returns open batches with what they have cost and may yet cost.
func (ctl *controller) priced(open []OpenBatch) []OpenBatch {
	for i := range open {
		open[i].Cost, open[i].Reserved = ctl.ledger.ofBatch(open[i].Tag)
	}
	return open
}

// TenantSpending is what the items of a tenant have cost.
type TenantSpending struct {
	Tenant string      `json:"tenant"`
	Cost   price.Money `json:"cost"`
	List   price.Money `json:"list"`  // what the same costs at the price for single requests, where that is known
	Saved  price.Money `json:"saved"` // how much less was paid
}

// mostTenants bounds how many tenants a report lists.
const mostTenants = 1000

// tenantSpending lists tenants, those that have spent the most first.
func tenantSpending(costs map[string]jobdir.Amount) (all []TenantSpending) {
	for _, name := range slices.Sorted(maps.Keys(costs)) {
		cost := costs[name]
		all = append(all, TenantSpending{name, cost.Cost, cost.List, max(0, cost.List-cost.Cost)})
	}
	slices.SortStableFunc(all, func(a, b TenantSpending) int { return cmp.Compare(b.Cost, a.Cost) })
	return all[:min(len(all), mostTenants)]
}
