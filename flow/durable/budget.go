package durable

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/llm/price"
)

// Budget bounds what a job spends. When a batch is sealed, what it may cost is
// reserved, and what it has cost takes the place of that when its results are
// settled. A batch is sealed only if all that is settled and reserved stays
// within the budget with it: one that is too large for what is left is cut. The
// budget lasts for all starts of a job and may change between them.
type Budget struct {
	// Total bounds the job. Once nothing more fits into it, the batches that
	// were bought are awaited and delivered, and the run ends with a
	// *BudgetError. A later Run with a higher budget goes on. Zero means no
	// limit.
	Total price.Money
	// PerDay bounds the batches that are sealed on one day. When it is reached,
	// the run waits for the next day. Zero means no limit.
	PerDay price.Money
	// PerTenant bounds the items of each Job.Tenant, those of the tenant ""
	// too. Items of a tenant whose budget is used up are set aside, and others
	// go on. Zero means no limit.
	PerTenant price.Money
	// Zone says when days begin. Zero means UTC.
	Zone *time.Location
	// WorstCase reserves what a batch costs at most: a token for each byte of
	// the input, and as many tokens of output as the request or the model
	// allows. Then the budget is kept, and few batches fit into it at a time; a
	// chat with several choices of its own must say its limit of tokens for
	// that, or only one of them is reserved. Zero means that what is expected
	// is reserved, and an eighth more: by the tokens that the route's answers
	// have had so far, or by the size of the requests and their limit of tokens
	// before there are twenty answers. Then a batch may cost more than it has
	// reserved.
	WorstCase bool
}

// UnknownPrice says what becomes of models that have no known price. Zero means
// that they are refused in a job with a Budget. Without one, what they cost is
// not known.
type UnknownPrice struct {
	// Accept lets them take part. They cost nothing as far as the Budget goes.
	// It lets providers without a Codec take part, too: each of their answers
	// counts what was reserved for it.
	Accept bool
	// PerMillion is what a million of their tokens counts, of input and of
	// output. Zero means that it is not known.
	PerMillion price.Money
}

func (b *Budget) isSet() bool { return b.Total > 0 || b.PerDay > 0 || b.PerTenant > 0 }

func (b *Budget) zone() *time.Location {
	if b.Zone == nil {
		return time.UTC
	}
	return b.Zone
}

// dayOf returns the name of the day of a time.
func (b *Budget) dayOf(t time.Time) string { return t.In(b.zone()).Format(time.DateOnly) }

// nextDay returns when the day after that of a time begins. Where a day has no
// midnight, because clocks are put forward then, that is some hour later at the
// latest.
func (b *Budget) nextDay(t time.Time) time.Time {
	y, m, d := t.In(b.zone()).Date()
	next := time.Date(y, m, d+1, 0, 0, 0, 0, b.zone())
	for b.dayOf(next) == b.dayOf(t) {
		next = next.Add(time.Hour)
	}
	return next
}

func (j *Job[T]) validateBudget() error {
	b := j.Budget
	switch {
	case b.Total < 0 || b.PerDay < 0 || b.PerTenant < 0 || j.UnknownPrice.PerMillion < 0:
		return errors.New("durable: Job.Budget and Job.UnknownPrice must not be negative")
	case b.PerTenant > 0 && j.Tenant == nil:
		return errors.New("durable: Job.Budget.PerTenant needs Job.Tenant, which says whose an item is")
	case b.WorstCase && !b.isSet():
		return errors.New("durable: Job.Budget.WorstCase is about a budget: set Total, PerDay or PerTenant")
	}
	return nil
}

// BudgetError ends a run whose Budget allows nothing more. What was bought is
// delivered. A Run with a higher budget goes on.
type BudgetError struct {
	Budget   price.Money // the limit that was reached
	Settled  price.Money // what was spent of it
	Reserved price.Money // what batches have reserved of it that are open
	Next     price.Money // what the next batch may cost at least
	// Tenants are those whose Budget.PerTenant was reached, some of them if
	// they are many. If there are none and it is not Today, Budget.Total was.
	Tenants []string
	Today   bool // Budget.PerDay was: the next batch does not fit into any day
	Rows    int  // items without a result
}

// Missing returns how much the budget lacks for the next batch.
func (e *BudgetError) Missing() price.Money {
	if e.Today { // a day begins with nothing spent
		return max(0, e.Next-e.Budget)
	}
	return max(0, e.Settled.Add(e.Reserved).Add(e.Next)-e.Budget)
}

// Error says what was spent, what is lacking and what to do.
func (e *BudgetError) Error() string {
	if len(e.Tenants) > 0 {
		names := make([]string, len(e.Tenants))
		for i, name := range e.Tenants {
			names[i] = fmt.Sprintf("%q", name)
		}
		return fmt.Sprintf("durable: the budget of %s for each tenant is used up for %s: %s: "+
			"raise it (Job.Budget, --tenant-budget) and run the same again", e.Budget, strings.Join(names, ", "), withoutResult(e.Rows))
	}
	if e.Today {
		return fmt.Sprintf("durable: the budget of %s for a day is less than the next batch may cost, which is %s: %s: "+
			"raise it (Job.Budget, --day-budget) and run the same again", e.Budget, e.Next.Round(6), withoutResult(e.Rows))
	}
	reserved := ""
	if e.Reserved > 0 {
		reserved = fmt.Sprintf(" and %s is reserved", e.Reserved.Round(6))
	}
	return fmt.Sprintf("durable: the budget of %s is used up: %s is spent%s, and the next batch may cost %s, %s more than is left: "+
		"%s: raise it (Job.Budget, --budget) and run the same again",
		e.Budget, e.Settled.Round(6), reserved, e.Next.Round(6), e.Missing().Round(6), withoutResult(e.Rows))
}

// mostNamed bounds how many tenants an error names.
const mostNamed = 10

func someTenants(names map[string]bool) []string {
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return all[:min(len(all), mostNamed)]
}
