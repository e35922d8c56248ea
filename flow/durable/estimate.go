package durable

import (
	"encoding/json"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// These are what is assumed of a route before it has answered calibrated times.
const (
	calibrated     = 20   // answers from which on those say what others take
	guessedOutput  = 1000 // tokens of an answer without a limit
	guessedBytes   = 3    // of a request, for each token
	requestTokens  = 16   // that a request has beside what is asked
	reservedExtra  = 8    // one part in so many is reserved beside what is expected
	micro          = 1_000_000
	worstOverhead  = 64  // tokens of a request beside what is asked, at most
	packedOverhead = 600 // tokens of the instruction of a request that rows share, and of each answer's frame
)

// estimate says what rows of a route may cost, before they are sent.
type estimate struct {
	priced

	worst     bool
	packs     bool // rows share requests
	options   int  // bytes of the route's own options
	maxOutput int  // tokens of one choice, of a row that has no limit itself; 0: not known
	choices   int  // by the route's own options, at least 1

	known           bool // the route has answered often enough
	perByte         int  // millionths of a token of input for each byte that is asked
	cached, written int  // millionths of the input that a cache has read or written
	hour            int  // the same, of what was written for an hour
	output          int  // tokens of an answer
}

// newEstimate returns the estimate of a route that has spent so much.
func (c *config) newEstimate(r jobdir.Route, seen jobdir.RouteState) (e estimate) {
	e.priced = c.prices.ofRoute(r)
	e.worst, e.packs, e.options = c.prices.budget.WorstCase, c.pack.Rows > 0, len(r.Options)
	e.maxOutput = e.model.MaxOutput
	limit, n := optionLimit(r.Options)
	if e.choices = max(n, 1); limit > 0 {
		e.maxOutput = limit
	}
	if seen.Measured < calibrated || seen.Asked <= 0 {
		return e
	}
	used := seen.Usage
	e.known = true
	e.perByte = perMillion(used.Input, int(seen.Asked))
	e.cached, e.written = perMillion(used.CachedInput, used.Input), perMillion(used.CacheWrites, used.Input)
	e.hour = perMillion(used.HourWrites, used.Input)
	e.output = (used.Output + seen.Measured - 1) / seen.Measured
	return e
}

func perMillion(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return part * micro / whole
}

// optionLimit returns the limit of tokens in a route's options, and how many
// choices an answer has by them. Each is 0 if they do not say.
func optionLimit(options string) (tokens, choices int) {
	var o map[string]json.RawMessage
	_ = json.Unmarshal([]byte(options), &o) // "" has none
	return max(number(o["max_tokens"]), number(o["max_completion_tokens"])), number(o["n"])
}

// usage returns what a row is expected to use.
func (e *estimate) usage(row *jobdir.Entry) (u llm.Usage) {
	asked, limit := row.Asked(), e.limit(row)
	if e.known {
		u.Input = asked*e.perByte/micro + 1
		u.CachedInput, u.CacheWrites, u.HourWrites = u.Input*e.cached/micro, u.Input*e.written/micro, u.Input*e.hour/micro
		u.Output = e.output
	} else {
		u.Input = (asked+e.options)/guessedBytes + requestTokens
		u.Output = guessedOutput * e.choices
		if limit > 0 && rowLimit(row) > 0 {
			u.Output = limit
		}
	}
	if limit > 0 {
		u.Output = min(u.Output, limit)
	}
	return u
}

// limit returns how many tokens the answer to a row may have, with all its
// choices, 0 if that is not known. A chat whose own number of choices takes the
// place of the route's has fewer.
func (e *estimate) limit(row *jobdir.Entry) int {
	if own := rowLimit(row); own > 0 {
		return own * e.choices
	}
	return e.maxOutput * e.choices
}

func rowLimit(row *jobdir.Entry) int {
	if tokens := row.Limit(); tokens > 0 {
		return int(tokens)
	}
	return int(row.MaxOutput)
}

// expected returns what a row is expected to cost.
func (e *estimate) expected(row *jobdir.Entry) price.Money {
	if !e.priced.known {
		return 0
	}
	u := e.usage(row)
	return e.tier(u.Input).Cost(u)
}

// reserve returns what is reserved for a row.
func (e *estimate) reserve(row *jobdir.Entry) price.Money {
	if e.worst {
		return e.most(row)
	}
	m := e.expected(row)
	return m.Add(m / reservedExtra)
}

// share returns what is reserved for rows, and how their targets share it.
func (e *estimate) share(rows []jobdir.Entry) (whole price.Money, shares map[int]price.Money) {
	shares = make(map[int]price.Money)
	for i := range rows {
		m, target := e.reserve(&rows[i]), int(rows[i].Target)
		whole, shares[target] = whole.Add(m), shares[target].Add(m)
	}
	return whole, shares
}

// most returns what a row costs at most: no token has less than a byte.
func (e *estimate) most(row *jobdir.Entry) (most price.Money) {
	if !e.priced.known {
		return 0
	}
	u := llm.Usage{Input: row.Asked() + e.options + worstOverhead, Output: e.limit(row)}
	if e.packs {
		u.Input, u.Output = u.Input+packedOverhead, u.Output+packedOverhead
	}
	for i, tier := range e.model.Lane(e.lane) {
		if i > 0 && u.Input <= tier.Above {
			break
		}
		each := max(tier.Input, tier.CachedInput, tier.CacheWrites, tier.HourWrites)
		most = max(most, each.Times(u.Input).Add(tier.Output.Times(u.Output)))
	}
	return most
}

// mustBeBounded refuses a route whose answers may have any length if the worst
// case is to be reserved.
func (e *estimate) mustBeBounded(rows []jobdir.Entry, r jobdir.Route) error {
	if !e.worst || !e.priced.known {
		return nil
	}
	for i := range rows {
		if e.limit(&rows[i]) == 0 {
			return fmt.Errorf("durable: line %d: nothing says how long an answer of the model %q of %s may be, so that its worst case is not known: "+
				"give the request a limit of tokens (--max-tokens), or leave out Budget.WorstCase", rows[i].Line, r.Model, r.Provider)
		}
	}
	return nil
}
