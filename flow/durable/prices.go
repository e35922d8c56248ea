package durable

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// pricing is what the models of a job cost.
type pricing struct {
	table   *price.Table
	as      map[priceable]string // Route.PriceAs
	unknown UnknownPrice
	budget  Budget
	canary  price.Money // what its answers may cost on average
}

func (j *Job[T]) pricing() pricing {
	p := pricing{table: j.Prices, unknown: j.UnknownPrice, budget: j.Budget, canary: j.Canary.MaxCost}
	if p.table == nil {
		p.table = price.Listed()
	}
	for _, r := range j.Routes {
		if r.PriceAs == "" || r.Provider == nil {
			continue
		}
		if p.as == nil {
			p.as = make(map[priceable]string)
		}
		p.as[priceable{cmp.Or(r.Name, r.Model), r.Provider.Info().Name, r.Model}] = r.PriceAs
	}
	return p
}

// priceable names the model of a route of a job.
type priceable struct{ route, provider, model string }

// priced is what the requests of a route cost.
type priced struct {
	model price.Model
	lane  price.Lane
	known bool
}

// ofRoute returns what the requests of a route cost.
func (p *pricing) ofRoute(r jobdir.Route) (found priced) {
	if r.Live {
		found.lane = price.Live
	}
	var listed bool
	if found.model, listed = p.find(r); listed {
		found.model.Name = r.Model
	}
	found.known = listed && len(found.model.Lane(found.lane)) > 0
	if found.known || p.unknown.PerMillion == 0 {
		return found
	}
	each := (p.unknown.PerMillion + 999_999) / 1_000_000
	flat := []price.Tier{{Input: each, CachedInput: each, CacheWrites: each, Output: each}}
	found.known = true
	found.model.Batch, found.model.Live = flat, flat
	return found
}

// find returns the listed price of a route.
func (p *pricing) find(r jobdir.Route) (price.Model, bool) {
	as, given := p.as[priceable{r.Name, r.Provider, r.Model}]
	if !given {
		return p.table.Find(r.Provider, r.Model)
	}
	if m, ok := p.table.Find(r.Provider, as); ok {
		return m, true
	}
	provider, model, _ := strings.Cut(as, "/")
	return p.table.Find(provider, model)
}

// UnknownPriceError is a model without a known price in a job with a Budget.
// Nothing is bought from it.
type UnknownPriceError struct {
	Provider, Model string
	Lane            price.Lane
}

// Error names the model and the ways out.
func (e *UnknownPriceError) Error() string {
	return fmt.Sprintf("durable: no %s price is known of the model %q of %s, so that the budget, or what a canary may cost, cannot be kept: "+
		"give its price in a file (Job.Prices, --prices), or say what an unknown one counts (Job.UnknownPrice, --unknown-price accept|AMOUNT)",
		e.Lane, e.Model, e.Provider)
}

// UnknownUsageError is a provider without a Codec in a job with a Budget. Its
// answers do not say what they have used, so nothing is bought from it.
type UnknownUsageError struct{ Provider string }

// Error names the provider and the ways out.
func (e *UnknownUsageError) Error() string {
	return fmt.Sprintf("durable: the provider %s has no Codec that reads what its answers have used, so that the budget, or what a canary may cost, cannot be kept: "+
		"give it one (sink.Info.Codec), or let its answers count what is reserved for them (Job.UnknownPrice.Accept, --unknown-price accept)", e.Provider)
}

// bounded reports whether the job bounds what it costs, so that this must be
// known.
func (p *pricing) bounded() bool { return p.budget.isSet() || p.canary > 0 }

// mustBeKnown refuses a route without a known price in a job that bounds what
// it costs.
func (p *pricing) mustBeKnown(r jobdir.Route) error {
	if !p.bounded() || p.unknown.Accept {
		return nil
	}
	if found := p.ofRoute(r); !found.known {
		return &UnknownPriceError{Provider: r.Provider, Model: r.Model, Lane: found.lane}
	}
	return nil
}

// mustBeListed refuses a price name that is not in the table, since then its
// route would have no price although one was meant.
func (p *pricing) mustBeListed() error {
	for at, as := range p.as {
		if _, ok := p.find(jobdir.Route{Name: at.route, Provider: at.provider, Model: at.model}); !ok {
			return fmt.Errorf("durable: Route.PriceAs of the route %q is %q, of which no price is known: name a model of the table as MODEL or PROVIDER/MODEL "+
				"(\"baler models\" lists them), or add its price (Job.Prices, --prices)", at.route, as)
		}
	}
	return nil
}

// mustKnowPrices refuses routes whose model has no known price, or whose
// answers cannot be read, in a job that bounds what it costs.
func (c *config) mustKnowPrices() error {
	if err := c.prices.mustBeListed(); err != nil {
		return err
	}
	for _, own := range c.own {
		if own.service.info.Codec == nil && c.prices.bounded() && !c.prices.unknown.Accept {
			return &UnknownUsageError{Provider: own.service.info.Name}
		}
		if own.model == "" {
			continue // the requests name theirs
		}
		info := own.service.info
		if err := c.prices.mustBeKnown(jobdir.Route{Name: own.name, Provider: info.Name, Model: own.model, Live: info.Live}); err != nil {
			return err
		}
	}
	return nil
}

// tier returns what the tokens of a request cost that has so much input.
func (p *priced) tier(input int) price.Tier {
	tier, _ := p.model.Tier(p.lane, input)
	return tier
}

// cost returns what an answer costs by its usage, as part of a request with so
// much input, and what it would cost live.
func (p *priced) cost(usage llm.Usage, input int) (cost, list price.Money) {
	if !p.known {
		return 0, 0
	}
	cost = p.tier(input).Cost(usage)
	if live, ok := p.model.Tier(price.Live, input); ok {
		return cost, live.Cost(usage)
	}
	return cost, cost
}
