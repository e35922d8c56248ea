package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/report"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm/price"
)

// budget is what a run may spend, and what models cost. It may change between
// starts.
type budget struct {
	total, day, tenant moneyFlag
	zone, prices       string
	unknown            unknownFlag
	worstCase          bool

	table    *price.Table
	location *time.Location
}

func (b *budget) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&b.total, "budget", "most that the run may spend, such as 5usd; then it stops, and goes on when the same command has a higher one")
	f.Var(&b.day, "day-budget", "most that the batches of a day may cost; then the run waits for the next day")
	f.Var(&b.tenant, "tenant-budget", "most that the rows of each tenant may cost, see --tenant-field; others go on then")
	f.StringVar(&b.zone, "tz", "", "time zone in which the days of --day-budget begin, such as Europe/Berlin (default UTC)")
	f.BoolVar(&b.worstCase, "worst-case", false, "reserve of the budget what a batch costs at most, not what is expected; a chat that asks for several choices needs a limit of tokens for that")
	f.StringVar(&b.prices, "prices", "", "a file of prices that count before the listed ones, also in LiteLLM's form; see baler models")
	f.Var(&b.unknown, "unknown-price", "dollars that a million tokens count of a model without a known price, or accept to leave it out of the budget (default: refused with a budget)")
}

func (b *budget) validate(o *options) (err error) {
	if b.table, err = readPrices(b.prices); err != nil {
		return usage("%w", err)
	}
	switch {
	case b.tenant.set && o.line.tenant == "":
		return usage("--tenant-budget is given without --tenant-field, which says whose a row is")
	case b.worstCase && !b.isSet():
		return usage("--worst-case is about a budget: give --budget, --day-budget or --tenant-budget")
	case b.zone != "" && !b.day.set:
		return usage("--tz is about --day-budget, which is not given")
	}
	if b.zone != "" {
		if b.location, err = time.LoadLocation(b.zone); err != nil {
			return usage("--tz is %q: must be a time zone such as Europe/Berlin or UTC", b.zone)
		}
	}
	return nil
}

func (b *budget) isSet() bool { return b.total.set || b.day.set || b.tenant.set }

func (b *budget) apply(job *durable.Job[source.Row]) {
	job.Prices, job.UnknownPrice = b.table, durable.UnknownPrice(b.unknown)
	job.Budget = durable.Budget{Total: b.total.Money, PerDay: b.day.Money, PerTenant: b.tenant.Money, Zone: b.location, WorstCase: b.worstCase}
}

// moneyFlag is an amount of dollars above zero.
type moneyFlag struct {
	price.Money

	set bool
}

// String implements pflag.Value.
func (m *moneyFlag) String() string {
	if !m.set {
		return ""
	}
	return m.Money.String()
}

// Set implements pflag.Value.
func (m *moneyFlag) Set(text string) (err error) {
	if m.Money, err = price.Parse(text); err == nil && m.Money <= 0 {
		err = errors.New("must be above zero")
	}
	m.set = true
	return err
}

// Type implements pflag.Value.
func (*moneyFlag) Type() string { return "amount" }

// unknownFlag is what a model without a known price counts.
type unknownFlag durable.UnknownPrice

const acceptUnknown = "accept"

// String implements pflag.Value.
func (u *unknownFlag) String() string {
	switch {
	case u.Accept:
		return acceptUnknown
	case u.PerMillion > 0:
		return u.PerMillion.String()
	}
	return ""
}

// Set implements pflag.Value.
func (u *unknownFlag) Set(text string) (err error) {
	*u = unknownFlag{}
	if text == acceptUnknown {
		u.Accept = true
		return nil
	}
	if u.PerMillion, err = price.Parse(text); err != nil || u.PerMillion <= 0 {
		return errors.New("must be accept, or dollars for a million tokens, such as 2.50")
	}
	return nil
}

// Type implements pflag.Value.
func (*unknownFlag) Type() string { return "amount" }

// printQuote says what the rows of a plan may cost.
func (b *budget) printQuote(w io.Writer, q *durable.Quote) {
	for i := range q.Routes {
		r := &q.Routes[i]
		name := "cost"
		if r.Name != "" {
			name = "cost of " + printable.Line(r.Name, 40)
		}
		if !r.Priced {
			fmt.Fprintf(w, "%s\tnot known: no price is known of %s at %s: give it with --prices or --unknown-price\n", name, printable.Line(r.Model, 64), r.Provider)
			printPrime(w, r)
			continue
		}
		in := batchCount(r.Batches)
		if r.Live {
			in = "single requests"
		}
		fmt.Fprintf(w, "%s\tabout %s for %s in %s: %s tokens in, %s out\n", name, cents(r.Cost), rowCount(r.Rows), in, thousands(r.Usage.Input), thousands(r.Usage.Output))
		if r.List != r.Cost {
			fmt.Fprintf(w, "\tabout %s at the price of single requests\n", cents(r.List))
		}
		fmt.Fprintf(w, "\ta budget reserves %s for all of them\n", cents(r.Reserved))
		printPrime(w, r)
	}
	if late := q.Late; late != nil && late.Priced {
		fmt.Fprintf(w, "\tat worst %s more if all batches are late: %s for %s with a deadline on the route for that\n", cents(late.Extra), cents(late.Cost), rowCount(late.Rows))
	}
	if q.Cached > 0 {
		fmt.Fprintf(w, "answered\t%s an answer of an earlier run on a route that may be taken, at no cost\n", counted(q.Cached, "row has", "rows have"))
	}
	if q.Shared > 0 {
		fmt.Fprintf(w, "\t%s what another one asks, at no cost\n", counted(q.Shared, "row asks", "rows ask"))
	}
	if b.total.set {
		fmt.Fprintf(w, "budget\t%s%s\n", b.total.Money, unless(q.Cost() <= b.total.Money, ", which is not enough: the run will stop"))
	}
	if len(q.Routes) > 0 {
		fmt.Fprintf(w, "\testimated by the size of the requests and their limits of tokens\n")
	}
}

// printReceipt says what a run has cost.
func printReceipt(line func(name, amount, note string), r *durable.Report) {
	s := r.Spending
	if s.Unpriced > 0 {
		line("cost", "unknown", fmt.Sprintf("of %s: the models have no known price (see --prices), or it is not said what was used", counted(s.Unpriced, "answer", "answers")))
	}
	if s == (durable.Spending{Budget: s.Budget, DayBudget: s.DayBudget, Unpriced: s.Unpriced}) {
		return
	}
	line("paid", cents(s.Cost), "")
	if s.Saved() > 0 {
		line("saved", cents(s.Saved()), fmt.Sprintf("of %s at the price of single requests", cents(s.List)))
	}
	if s.Waste > 0 {
		line("wasted", cents(s.Waste), "for batches that were bought twice, or may have been")
	}
	if s.Reserved > 0 {
		line("reserved", cents(s.Reserved), "for open batches")
	}
	if s.Budget > 0 {
		line("left", cents(s.Left()), "of the budget of "+cents(s.Budget))
	}
	if s.DayBudget > 0 {
		line("today", cents(s.Today), "of "+s.DayBudget.String()+" for a day")
	}
	if models := report.ReceiptOf(r).Models; len(models) > 1 {
		for _, m := range models {
			line("", cents(m.Paid), fmt.Sprintf("for %s at %s: %s%s", printable.Line(m.Model, 64), m.Provider, rowCount(m.Rows), savedOf(", ", m.Saved, m.List)))
		}
	}
	for i, t := range r.Tenants {
		if i == mostTenants {
			line("", "...", fmt.Sprintf("and %s tenants more: see --json", thousands(len(r.Tenants)-i)))
			break
		}
		line("", cents(t.Cost), "for the tenant "+printable.Line(t.Tenant, 64)+savedOf(": ", t.Saved, t.List))
	}
}

// savedOf says what was saved of a list price, if anything was.
func savedOf(before string, saved, list price.Money) string {
	if saved == 0 {
		return ""
	}
	return fmt.Sprintf("%s%s saved of %s", before, cents(saved), cents(list))
}

// mostTenants is how many tenants a receipt lists.
const mostTenants = 10

// cents is an amount for people to read: small ones to a hundredth of a cent, or
// with two digits if that would leave less.
func cents(m price.Money) string {
	if m < price.USD {
		places := 4
		for least := price.USD / 1000; m > 0 && m < least && places < 12; least /= 10 {
			places++
		}
		return m.Round(places).String()
	}
	return strings.TrimSuffix(m.Round(2).String(), ".00")
}
