package durable_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/simulator"
)

// sonnet needs 1,024 tokens to be cached. What its tokens cost in batches is
// written here as the provider bills it, not as package price reads it.
const (
	sonnet       = "claude-sonnet-4-5"
	sonnetIn     = 1_500_000 // 1e-12 dollars
	sonnetCached = 150_000
	sonnetHour   = 3_000_000
	sonnetOut    = 7_500_000
)

// sonnetPrices are what package price makes of the same.
func sonnetPrices(tb testing.TB) *price.Table {
	tb.Helper()
	table, err := price.Read(strings.NewReader(`{"models":[{"provider":"anthropic","model":"` + sonnet + `",
		"live":[{"input":3,"cached":0.3,"written":3.75,"written_hour":6,"output":15}],"batch_factor":0.5}]}`))
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// queued is a provider whose batches wait and then run within a minute, so that
// their rows do not see what others of them have written to the cache.
var queued = simulator.Config{
	Latency:     simulator.Latency{Validation: 20 * time.Minute, Processing: time.Minute},
	PromptCache: simulator.PromptCache{MinTokens: 1024, Life: time.Hour, Delay: 5 * time.Minute},
}

// manual is a text of about 1,500 tokens.
func manual(name string) string {
	return strings.Repeat("the manual of "+name+" says so. ", 6_000/(24+len(name)))
}

// manualJob asks about tickets with a manual as the instruction.
func (c *claude) manualJob(manuals ...string) durable.Job[durabletest.Ticket] {
	job := c.job
	job.Model, job.ReadAll, job.PrimeCache, job.Batch.MaxItems, job.Prices = sonnet, true, true, 1000, sonnetPrices(c.T)
	job.Batch.MaxWait = time.Minute
	n := 0
	job.Prompt = func(tk durabletest.Ticket) (llm.Chat, error) {
		text := manuals[n%len(manuals)]
		n++
		return llm.Ask("Summarise: " + tk.Text).As(text), nil
	}
	return job
}

// bill is what the provider wants, and the rows that read the cache or wrote to
// it.
func (c *claude) bill() (cost price.Money, hits, writes int) {
	c.T.Helper()
	for e, err := range c.Server.Executions() {
		if err != nil {
			c.T.Fatal(err)
		}
		if !e.Billed() {
			continue
		}
		if e.CachedTokens > 0 {
			hits++
		}
		if e.CacheWrites > 0 {
			writes++
		}
		if e.CacheWrites != e.HourWrites {
			c.T.Errorf("a row has written for less than an hour: %+v", e)
		}
		cost += price.Money((e.InputTokens-e.CachedTokens-e.CacheWrites)*sonnetIn + e.CachedTokens*sonnetCached + e.HourWrites*sonnetHour + e.OutputTokens*sonnetOut)
	}
	return cost, hits, writes
}

// prefixes returns what the batches that were sealed do to the cache, and how
// many rows they have.
func prefixes(c *claude) (all []string) {
	c.T.Helper()
	for _, l := range journalOf(c.World) {
		if l.Intent != nil && l.Intent.Rev == 1 {
			all = append(all, fmt.Sprintf("%d %s", l.Intent.Rows, l.Intent.Prefix))
		}
	}
	return all
}

// One row is asked first and the others hit the cache, which costs a part of
// what the same rows cost at once. The ledger equals the bill in each case.
func TestPrimingFillsTheCacheBeforeTheOthersAsk(t *testing.T) {
	t.Parallel()
	const rows = 200
	mixed := queued
	mixed.Latency.Processing, mixed.PromptCache.Delay = 20*time.Minute, time.Minute
	for provider, cfg := range map[string]simulator.Config{"rows at the same time": queued, "rows over twenty minutes": mixed} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			costs := make(map[string]price.Money)
			hits := make(map[string]int)
			for _, way := range []string{"without", "marked", "primed"} {
				atAnthropic(t, cfg, anthropic.Config{}, durabletest.Tickets(rows), func(c *claude) {
					job := c.manualJob(manual("all"))
					job.PrimeCache = way == "primed"
					if prompt := job.Prompt; way == "marked" {
						job.Prompt = func(tk durabletest.Ticket) (llm.Chat, error) {
							chat, err := prompt(tk)
							return new(anthropic.Codec).MarkPrefix(chat), err
						}
					}
					report := c.MustRun(job)
					cost, hit, written := c.bill()
					if report.Spending.Cost != cost {
						c.T.Errorf("%s: the ledger has %s and the bill %s", way, report.Spending.Cost, cost)
					}
					if way == "primed" && (hit != rows-1 || written != 1) {
						c.T.Errorf("%d rows have hit the cache and %d have filled it: %v", hit, written, prefixes(c))
					}
					costs[way], hits[way] = cost, hit
					t.Logf("%s: %d of %d rows hit, %d wrote, %s, %+v, took %s", way, hit, rows, written, cost.Round(4), report.Usage, report.Elapsed)
				})
			}
			if costs["primed"]*4 > costs["without"] || costs["primed"] >= costs["marked"] || hits["marked"] >= rows-1 || hits["without"] > 0 {
				t.Errorf("%v, hits %v", costs, hits)
			}
		})
	}
}

// Each beginning that enough rows share has its own first row. A row that
// shares none has neither mark nor wait of its own.
func TestEachSharedBeginningIsPrimed(t *testing.T) {
	t.Parallel()
	atAnthropic(t, queued, anthropic.Config{}, durabletest.Tickets(61), func(c *claude) {
		job, n := c.manualJob(""), 0
		job.Prompt = func(tk durabletest.Ticket) (llm.Chat, error) {
			n++
			switch {
			case n == 1:
				return llm.Ask(tk.Text).As(manual("one row")), nil
			case n%2 == 0: // a document, and a question about it
				return llm.Chat{Messages: []llm.Message{{Role: llm.RoleUser, Text: manual("cars"), Parts: []llm.Part{{Text: tk.Text}}}}}, nil
			case n < 31:
				return llm.Ask(tk.Text).As(manual("boats")), nil
			}
			return llm.Ask(tk.Text).As("Be brief."), nil
		}
		c.MustRun(job)
		_, hits, writes := c.bill()
		if got := strings.Join(prefixes(c), ", "); got != "2 writes, 42 reads, 17 " && got != "2 writes, 17 , 42 reads" {
			c.T.Error(got)
		}
		if hits != 42 || writes != 2 {
			c.T.Errorf("%d hits, %d writes", hits, writes)
		}
	})
}

// A job whose rows share nothing that a provider caches is not changed by it:
// the same batches are bought, with the same bodies.
func TestPrimingChangesNothingWhereNothingIsShared(t *testing.T) {
	t.Parallel()
	short := func(tk durabletest.Ticket) (llm.Chat, error) { return llm.Ask(tk.Text).As("Be brief."), nil }
	for name, prompt := range map[string]func(durabletest.Ticket) (llm.Chat, error){
		"no beginning":   func(tk durabletest.Ticket) (llm.Chat, error) { return llm.Ask(manual(tk.ID)), nil },
		"other ones":     func(tk durabletest.Ticket) (llm.Chat, error) { return llm.Ask(tk.Text).As(manual(tk.ID)), nil },
		"too short ones": short,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen [2]string
			for i := range seen {
				var bodies sync.Map
				cfg := queued
				cfg.Answer = func(r simulator.Row) simulator.Reply {
					bodies.Store(string(r.Body), true)
					return simulator.Echo(r)
				}
				atAnthropic(t, cfg, anthropic.Config{}, durabletest.Tickets(20), func(c *claude) {
					job := c.manualJob("")
					job.Prompt, job.PrimeCache = prompt, i == 1
					report := c.MustRun(job)
					cost, hits, writes := c.bill()
					seen[i] = fmt.Sprint(prefixes(c), cost, hits, writes, report.Usage, slices.Sorted(keysOf(&bodies)))
				})
			}
			if seen[0] != seen[1] || !strings.HasPrefix(seen[0], "[20 ]") {
				t.Errorf("without %.300s, with %.300s", seen[0], seen[1])
			}
		})
	}
}

func keysOf(m *sync.Map) iter.Seq[string] {
	return func(yield func(string) bool) {
		m.Range(func(key, _ any) bool { return yield(key.(string)) })
	}
}

// A process that dies between the first rows and the others, or while the first
// are under way, asks no more of them first while the cache has what they
// wrote. Later it asks one more, which is a row of the job.
func TestPrimingSurvivesTheProcess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dies   time.Duration // after the start
		pause  time.Duration // before the next process
		lose   bool          // the index
		wants  string
		writes int
	}{
		"while the first are under way": {10 * time.Minute, time.Minute, false, "1 writes, 39 reads", 1},
		"while they end meanwhile":      {10 * time.Minute, 30 * time.Minute, false, "1 writes, 39 reads", 1},
		"between":                       {20 * time.Minute, 40 * time.Minute, true, "1 writes, 39 reads", 1},
		"when the cache is empty":       {20 * time.Minute, 90 * time.Minute, false, "1 writes, 1 writes, 38 reads", 2},
		"while the others run":          {35 * time.Minute, 2 * time.Hour, true, "1 writes, 39 reads", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atAnthropic(t, queued, anthropic.Config{}, durabletest.Tickets(40), func(c *claude) {
				ctx, stop := context.WithTimeout(c.T.Context(), test.dies)
				defer stop()
				job := c.manualJob(manual("all"))
				if name == "between" || name == "when the cache is empty" { // it dies once the first are settled
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(c.T.Context())
					defer cancel()
					job.Progress = func(p durable.Progress) {
						if p.Succeeded == 1 {
							cancel()
						}
					}
				}
				if report, err := c.Run(ctx, job); err == nil {
					c.T.Fatalf("it did not die: %+v", report)
				}
				time.Sleep(test.pause)
				if test.lose {
					c.LoseIndex()
					c.Rebuild()
				}
				job = c.manualJob(manual("all"))
				report := c.MustRun(job)
				cost, hits, writes := c.bill()
				if got := strings.Join(prefixes(c), ", "); got != test.wants || writes != test.writes || hits != 40-test.writes {
					c.T.Errorf("%s, %d writes, %d hits", got, writes, hits)
				}
				if report.Succeeded != 40 || report.Spending.Cost != cost {
					c.T.Errorf("%+v: the bill is %s", report.Progress, cost)
				}
				c.WantBilledOnce(40)
			})
		})
	}
}

// The canary comes first, then the first rows of each beginning.
func TestPrimingFollowsTheCanary(t *testing.T) {
	t.Parallel()
	atAnthropic(t, queued, anthropic.Config{}, durabletest.Tickets(40), func(c *claude) {
		job := c.manualJob(manual("all"))
		job.Canary = durable.Canary{Items: 5}
		c.MustRun(job)
		if got := strings.Join(prefixes(c), ", "); got != "5 , 1 writes, 34 reads" {
			c.T.Error(got)
		}
		c.WantBilledOnce(40)
	})
}

// The rows that are asked first are those that wait foremost and have no answer
// from the cache of another job.
func TestRowsWithAnAnswerFillNoCache(t *testing.T) {
	t.Parallel()
	atAnthropic(t, queued, anthropic.Config{}, durabletest.Tickets(10), func(c *claude) {
		job := c.manualJob(manual("all"))
		job.PrimeCache = false
		c.MustRunAs("before", job, durabletest.Tickets(10)...)
		job = c.manualJob(manual("all"))
		report, _ := c.MustRunAs("after", job, durabletest.Tickets(40)...)
		if _, hits, writes := c.bill(); report.Cached != 10 || hits != 29 || writes != 1 {
			c.T.Errorf("%d cached, %d hits, %d writes", report.Cached, hits, writes)
		}
	})
}

// An estimate says what is written and read, and what that saves, or that the
// provider is not known to cache anything.
func TestAnEstimateSaysWhatPrimingSaves(t *testing.T) {
	t.Parallel()
	atAnthropic(t, queued, anthropic.Config{}, durabletest.Tickets(40), func(c *claude) {
		job := c.manualJob(manual("boats"), manual("cars"))
		job.Dir = c.OpenDir("plan")
		quote, _, err := durable.Estimate(c.T.Context(), job)
		if err != nil {
			c.T.Fatal(err)
		}
		p := quote.Routes[0].Prime
		if p == nil || !p.Supported || p.MinTokens != 1024 || p.Life != time.Hour || p.Rows != 40 || p.First != 2 || p.Read < 38*1400 || p.Read > 38*1600 || p.Written*19 != p.Read {
			c.T.Fatalf("%+v", p)
		}
		if want := price.Money(p.Read*(sonnetIn-sonnetCached) - p.Written*(sonnetHour-sonnetIn)); p.Saved != want {
			c.T.Errorf("%s, want %s", p.Saved, want)
		}
		job.Provider, job.Name = c.Provider, "elsewhere" // a server that speaks OpenAI's protocol
		quote, _, err = durable.Estimate(c.T.Context(), job)
		if p := quote.Routes[0].Prime; err != nil || p == nil || *p != (durable.PrimeQuote{}) {
			c.T.Errorf("%+v, %v", p, err)
		}
	})
}

func TestPrimingThatCannotBe(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	for want, change := range map[string]func(*durable.Job[durabletest.Ticket]){
		"needs Job.ReadAll": func(j *durable.Job[durabletest.Ticket]) { j.ReadAll = false },
		"needs the order of priorities": func(j *durable.Job[durabletest.Ticket]) {
			j.Deadline = func(durabletest.Ticket) time.Time { return time.Time{} }
		},
	} {
		job := w.Job()
		job.PrimeCache, job.ReadAll = true, true
		change(&job)
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A row that is asked again after its answer has the mark where the others have
// it, not behind its own text.
func TestTheMarkStaysWhereTheBeginningEnds(t *testing.T) {
	t.Parallel()
	atAnthropic(t, queued, anthropic.Config{}, durabletest.Tickets(10), func(c *claude) {
		job, asked := c.manualJob(manual("all")), make(map[string]bool)
		job.Check = func(key string, _ llm.Reply) error {
			if first := !asked[key]; first && key == "t-4" {
				asked[key] = true
				return errors.New("not this one")
			}
			return nil
		}
		c.MustRun(job)
		if _, hits, writes := c.bill(); hits != 10 || writes != 1 {
			c.T.Errorf("%d hits, %d writes", hits, writes)
		}
	})
}
