package durable

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// ledgerOf returns a ledger with a budget that allows everything, and a route
// at the listed price.
func ledgerOf(budget Budget) *ledger {
	c := &config{prices: pricing{table: price.Listed(), budget: budget}}
	l := newLedger()
	l.config, l.progress, l.resting = c, &progress{notify: func(Progress) {}}, newRestingDrivers()
	l.batches = &batches{config: c, routes: &routes{config: c, numbering: newNumbering("routes", []jobdir.Route{{Provider: "openai", Model: "gpt-5.4-mini"}}, nil)}}
	l.batches.targets = newTargets(nil, []jobdir.Target{{Tenant: "a"}, {Tenant: "b"}})
	return l
}

// rowsOf returns rows whose requests have these sizes.
func rowsOf(n int, size func(i int) int) []jobdir.Entry {
	rows := make([]jobdir.Entry, n)
	for i := range rows {
		rows[i] = jobdir.Entry{Key: fmt.Sprint(i), Target: uint16(i % 2), MaxOutput: 2000} //nolint:gosec // 0 or 1
		head := len(rows[i].RequestHead())
		rows[i].Ref = segment.Ref{Len: uint32(head + size(i))} //nolint:gosec // a test
	}
	return rows
}

// After some batches, what is expected of the next ones is near what they cost:
// of short rows, of long ones, and of documents.
func TestWhatIsExpectedIsNearWhatIsPaid(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct {
		name   string
		size   func(h int) int
		tokens float64 // of input, for each byte
		output func(h int) int
	}{
		{"short rows", func(h int) int { return 60 + h%200 }, 0.31, func(h int) int { return 20 + h%60 }},
		{"long rows", func(h int) int { return 4000 + h%20000 }, 0.22, func(h int) int { return 200 + h%700 }},
		{"documents", func(h int) int { return 50_000 + h%200_000 }, 0.27, func(h int) int { return 500 + h%1500 }},
	} {
		l := ledgerOf(Budget{})
		route := l.batches.routes.get(0)
		var errors []float64
		for batch := range 60 {
			hash := func(i int) int {
				h := fnv.New32a()
				fmt.Fprint(h, kind.name, batch, i)
				return int(h.Sum32() >> 1)
			}
			rows := rowsOf(100, func(i int) int { return kind.size(hash(i)) })
			e := l.newEstimate(route, l.seen[0])
			expected, paid, seen := price.Money(0), price.Money(0), l.seen[0]
			for i := range rows {
				used := llm.Usage{Input: int(kind.tokens * float64(rows[i].Asked())), Output: kind.output(hash(i))}
				cost, list := e.cost(used, used.Input)
				expected, paid = expected.Add(e.expected(&rows[i])), paid.Add(cost)
				seen.Usage = seen.Usage.Add(used)
				seen.Spent = seen.Add(jobdir.Spent{Cost: cost, List: list, Measured: 1, Asked: int64(rows[i].Asked())})
			}
			if l.seen[0] = seen; batch > 0 {
				errors = append(errors, max(float64(expected-paid), float64(paid-expected))/float64(paid))
			}
		}
		slices.Sort(errors)
		median, late := errors[len(errors)/2], errors[len(errors)*95/100]
		if t.Logf("%s: off by %.1f %% in the median, and %.1f %% in the worst twentieth", kind.name, 100*median, 100*late); median > 0.1 || late > 0.25 {
			t.Errorf("%s: %v", kind.name, errors)
		}
	}
}

// The worst case has a token for each byte, and needs a limit of the answer.
func TestTheWorstCaseIsAboveWhatIsExpected(t *testing.T) {
	t.Parallel()
	l := ledgerOf(Budget{Total: price.USD, WorstCase: true})
	rows := rowsOf(1, func(int) int { return 4000 })
	e := l.newEstimate(l.batches.routes.get(0), jobdir.RouteState{})
	if worst, expected := e.reserve(&rows[0]), e.expected(&rows[0]); worst != e.tier(0).Cost(llm.Usage{Input: 4064, Output: 2000}) || worst <= expected {
		t.Errorf("%s, and %s is expected", worst, expected)
	}
	rows[0].MaxOutput, e.maxOutput = 0, 0
	if err := e.mustBeBounded(rows, jobdir.Route{Model: "m"}); err == nil || !strings.Contains(err.Error(), "--max-tokens") {
		t.Error(err)
	}
}

// An answer may have as many tokens as its request says, in whatever form.
func TestLimitsOfTokensAreFound(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]uint32{
		`{"max_tokens":7}`: 7, `{"max_completion_tokens":8,"n":3}`: 24, `{"max_output_tokens":9}`: 9, `{"generationConfig":{"maxOutputTokens":5,"candidateCount":2}}`: 10,
		`{}`: 0, `{"max_tokens":"7"}`: 0, `[]`: 0, `{"max_tokens":-1}`: 0, `{"max_tokens":9000000000,"n":9}`: 4294967295 / 9 * 9,
	} {
		if got := bodyLimit([]byte(body)); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
	chat := llm.Ask("x")
	chat.MaxTokens, chat.Options = 5, llm.Options{"max_tokens": []byte("6"), "n": []byte("2")}
	if got := outputLimit(&chat); got != 12 {
		t.Error(got)
	}
}

// BenchmarkLedger is what a row costs: its estimate, its reservation, its cost
// and its settlement, in batches of a thousand with a budget for tenants.
func BenchmarkLedger(b *testing.B) {
	const batch = 1000
	l := ledgerOf(Budget{Total: price.MaxMoney, PerTenant: price.MaxMoney, PerDay: price.MaxMoney})
	rows := rowsOf(batch, func(i int) int { return 200 + i })
	prices := l.prices.ofRoute(l.batches.routes.get(0))
	used := llm.Usage{Input: 100, Output: 200}
	b.ReportAllocs()
	for n := 0; n < b.N; n += batch {
		if a, err := l.try("tag", rows); err != nil || len(a.take) != batch {
			b.Fatal(err, len(a.take))
		}
		c := costs{priced: prices, recorded: make(map[int]jobdir.Amount)}
		spent := jobdir.RouteState{}
		for i := range rows {
			cost, list := c.cost(used, used.Input)
			spent.Spent = spent.Add(jobdir.Spent{Cost: cost, List: list, Measured: 1, Asked: int64(rows[i].Asked())})
			c.tiers = jobdir.AddTier(c.tiers, c.tier(used.Input))
			c.add(jobdir.Amount{Cost: cost, List: list}, int(rows[i].Target), true)
		}
		_ = c.ops(jobdir.Keys{}, "tag", batch)
		l.charge(intent.Intent{Tag: "tag", Rows: batch}, c.sum, spent)
		l.release("tag")
	}
}
