package durable

import (
	"cmp"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// PrimeQuote is what Job.PrimeCache is expected to do. Hits are never certain:
// Read and Saved are what comes of it if each one hits.
type PrimeQuote struct {
	// Supported reports whether the provider is known to cache beginnings of
	// prompts to the model. Otherwise nothing is asked first.
	Supported bool `json:"supported"`
	// MinTokens is how many tokens a beginning must have.
	MinTokens int `json:"min_tokens,omitempty"`
	// Life is for how long it is in the cache after it was used last.
	Life    time.Duration `json:"life_ns,omitempty"`
	Rows    int           `json:"rows"`           // items that share a beginning with at least two others
	First   int           `json:"first"`          // of these, the ones that are asked first
	Written int           `json:"written_tokens"` // tokens that are written to the cache
	Read    int           `json:"read_tokens"`    // tokens that are read from it
	// Saved is how much less that costs than the same items without a cache.
	Saved price.Money `json:"saved"`
}

// primeCount counts the rows of a route that share beginnings.
type primeCount struct {
	PrimeQuote
	marks  bool
	groups map[uint64]*primeGroup
}

type primeGroup struct {
	rows, tokens int
	tier         price.Tier
}

func (q *quoting) newPrimeCount(n int) *primeCount {
	if !q.primeCache {
		return nil
	}
	life, least := q.primer.life(n)
	_, marks := q.batches.routes.serviceOf(n).info.Codec.(llm.PrefixMarker)
	return &primeCount{PrimeQuote: PrimeQuote{Supported: life > 0, MinTokens: least, Life: life}, marks: marks, groups: make(map[uint64]*primeGroup)}
}

// add counts a row that is sent, with the prices of its tokens.
func (c *primeCount) add(row *jobdir.Entry, tier price.Tier) {
	extra := row.Extra()
	if c == nil || !c.Supported || extra.Prefix == 0 || int(extra.PrefixTokens) < c.MinTokens {
		return
	}
	g := c.groups[extra.Prefix]
	if g == nil {
		if len(c.groups) == mostPrefixes {
			return
		}
		g = &primeGroup{tokens: int(extra.PrefixTokens), tier: tier}
		c.groups[extra.Prefix] = g
	}
	g.rows++
}

// quote returns the figures once all rows are counted.
func (c *primeCount) quote() *PrimeQuote {
	if c == nil {
		return nil
	}
	for _, g := range c.groups {
		if g.rows < LeastPrimed {
			continue
		}
		read := g.tokens * (g.rows - 1)
		c.Rows, c.First, c.Written, c.Read = c.Rows+g.rows, c.First+1, c.Written+g.tokens, c.Read+read
		write := g.tier.CacheWrites
		if c.marks {
			write = cmp.Or(g.tier.HourWrites, write)
		}
		c.Saved += g.tier.Input.Times(g.tokens*g.rows) - write.Times(g.tokens) - g.tier.CachedInput.Times(read)
	}
	return &c.PrimeQuote
}
