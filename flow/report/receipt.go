package report

import (
	"cmp"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm/price"
)

// Receipt is what a run has paid so far, in dollars.
type Receipt struct {
	Paid     price.Money `json:"paid"`     // of all that was settled, with the Waste
	List     price.Money `json:"list"`     // what the same costs at the price for single requests, where that is known
	Saved    price.Money `json:"saved"`    // how much less was paid
	Waste    price.Money `json:"waste"`    // for batches that were bought twice, as far as known
	Reserved price.Money `json:"reserved"` // what open batches may yet cost
	Budget   price.Money `json:"budget,omitempty"`
	// Unpriced counts the answers whose cost is not known, see
	// durable.Spending.
	Unpriced int `json:"unpriced,omitempty"`

	Models  []ModelReceipt           `json:"models"`            // the dearest first
	Tenants []durable.TenantSpending `json:"tenants,omitempty"` // likewise, of a run with tenants
}

// ModelReceipt is what the rows of a model have cost, on all its routes.
type ModelReceipt struct {
	Provider string      `json:"provider"`
	Model    string      `json:"model"`
	Rows     int         `json:"rows"` // answered and failed ones
	Paid     price.Money `json:"paid"` // without Receipt.Waste
	List     price.Money `json:"list"`
	Saved    price.Money `json:"saved"`
	Unpriced int         `json:"unpriced,omitempty"`
}

// ReceiptOf returns the receipt of a run: of one that has ended, or is under
// way, or has stopped on its budget.
func ReceiptOf(r *durable.Report) Receipt {
	s := &r.Spending
	receipt := Receipt{
		Paid: s.Cost, List: s.List, Saved: s.Saved(), Waste: s.Waste, Reserved: s.Reserved, Budget: s.Budget, Unpriced: s.Unpriced,
		Models: []ModelReceipt{}, Tenants: r.Tenants,
	}
	for i := range r.Routes {
		receipt.add(&r.Routes[i])
	}
	slices.SortStableFunc(receipt.Models, func(a, b ModelReceipt) int { return cmp.Compare(b.Paid, a.Paid) })
	return receipt
}

func (r *Receipt) add(route *durable.RouteProgress) {
	n := slices.IndexFunc(r.Models, func(m ModelReceipt) bool { return m.Provider == route.Provider && m.Model == route.Model })
	if n < 0 {
		n = len(r.Models)
		r.Models = append(r.Models, ModelReceipt{Provider: route.Provider, Model: route.Model})
	}
	m := &r.Models[n]
	m.Rows += route.Succeeded + route.Failed
	m.Paid, m.List, m.Unpriced = m.Paid.Add(route.Cost), m.List.Add(route.List), m.Unpriced+route.Unpriced
	m.Saved = max(0, m.List-m.Paid)
}

// Known reports whether there is anything to tell.
func (r *Receipt) Known() bool {
	return r.Paid != 0 || r.List != 0 || r.Reserved != 0 || r.Budget != 0 || r.Unpriced != 0
}

// shownTenants is how many tenants a page lists. JSON has all.
const shownTenants = 50

// FirstTenants returns the tenants that a page has room for.
func (r *Receipt) FirstTenants() []durable.TenantSpending {
	return r.Tenants[:min(len(r.Tenants), shownTenants)]
}

// MoreTenants returns how many tenants a page has no room for.
func (r *Receipt) MoreTenants() int { return len(r.Tenants) - len(r.FirstTenants()) }
