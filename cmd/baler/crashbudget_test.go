package main

import (
	"encoding/json"
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/simulator"
)

var crashBudget = flag.Int("crash.budget", 20, "how often the crash test of a budget kills the client")

// The client is killed again and again, while its budget is reached three times
// and raised: by the command, and by another flag. Never has the provider a bill
// beyond the budget. In the end every row was paid for once, and the receipt is
// the bill.
func TestABudgetIsKeptByAClientThatIsKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for half a minute")
	}
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("replay with -crash.seed=%d", seed)
	newKilledBudget(t, *crashBudget, rand.New(rand.NewPCG(seed, 0))).run()
}

// stages are the budgets of a job that is killed, in hundredths of what it costs
// on average. The last one is enough.
var stages = []int{25, 50, 75, 200}

// processing is how long a batch takes, on the provider's clock, which is put
// forward.
const processing = 10 * time.Minute

// killedBudget is a job whose rows cost between six and twelve cents, for the
// output alone. Of the budget, twelve are reserved for each.
type killedBudget struct {
	*testing.T

	random      *rand.Rand
	server      *simulator.Server
	dir         string
	rows, kills int
	limit       price.Money
	flag        price.Money // --budget
	hits, ended int
}

func newKilledBudget(t *testing.T, kills int, random *rand.Rand) *killedBudget {
	t.Helper()
	cfg := simulator.Config{
		Seed: random.Uint64(), Rows: simulator.RowFaults{ServerError: 0.02, RateLimited: 0.02, Timeout: 0.01},
		Latency: simulator.Latency{Processing: processing},
		Answer: func(r simulator.Row) simulator.Reply {
			h := fnv.New32a()
			h.Write(r.Body)
			return simulator.Reply{Text: "an answer", InputTokens: 1, OutputTokens: 500 + int64(h.Sum32()%501)}
		},
	}
	cfg.Faults = chaosFaults(cfg)
	k := &killedBudget{T: t, random: random, server: startSimulator(t, cfg), dir: t.TempDir(), rows: 10 * kills, kills: kills}
	writeFile(t, k.dir, "in.jsonl", tickets(k.rows)...)
	writeFile(t, k.dir, "prices.json", `{"as_of":"2026-11","models":[{"provider":"openai","model":"m","batch":[{"input":0,"output":120}],"live":[{"input":0,"output":240}]}]}`)
	return k
}

func (k *killedBudget) args(more ...string) []string {
	return append([]string{
		"run", "in.jsonl", "--out", "out.jsonl", "--name", "paid", "--model", "m", "--prompt", "Summarise: {{.text}}", "--max-tokens", "1000",
		"--base-url", k.server.URL + "/v1", "--poll", "20ms", "--grace", "2s", "--max-wait", "100ms", "--batch-size", strconv.Itoa(max(5, k.rows/20)), "--retries", "20",
		"--prices", "prices.json", "--worst-case", "--budget", k.flag.String(),
	}, more...)
}

func (k *killedBudget) run() {
	k.Helper()
	for stage, percent := range stages {
		k.raise(stage, price.Money(k.rows)*9*price.Cent*price.Money(percent)/100)
		hit, last := false, stage == len(stages)-1
		for k.ended < k.kills*(stage+1)/len(stages) && !hit {
			if !last && k.ended%max(1, k.kills/16) == 0 { // in the last stage, the job would finish
				k.advance()
			}
			hit = k.endSomehow()
		}
		switch r := k.finish(hit); {
		case last:
			k.checkReceipt(r)
		case !hit && (r.code != exitResumable || !strings.Contains(r.stderr, "is used up")):
			k.Fatalf("with a budget of %s: %+v", k.limit, r)
		default:
			k.hits++
		}
	}
	k.Logf("%d kills, and the budget was reached %d times", k.ended, k.hits)
	wantExactlyOnce(k.T, k.dir, k.server.URL, k.rows)
}

// raise raises the budget between two starts, with the command by turns.
func (k *killedBudget) raise(stage int, limit price.Money) {
	k.Helper()
	k.limit = limit
	if stage%2 == 0 {
		k.flag = limit
		return
	}
	mustCommand(k.T, k.dir, "budget", "paid", limit.String())
}

// endSomehow lets the client run for a moment. It reports whether the client has
// reached its budget.
func (k *killedBudget) endSomehow() (hit bool) {
	k.Helper()
	after := time.Duration(k.random.Int64N(int64(400 * time.Millisecond)))
	out, stopped, err := endAfter(k.T, k.dir, withKey, after, k.ended%3 == 2, k.args())
	hit = strings.Contains(out, "is used up")
	switch {
	case err == nil:
		k.Fatalf("finished after %d kills: the job is too small", k.ended)
	case !stopped && !hit:
		k.Fatalf("ended by itself: %v: %s", err, out)
	case !hit:
		k.ended++
	}
	k.bill()
	return hit
}

// finish lets the client run to its end, unless that is the budget's already.
func (k *killedBudget) finish(hit bool) (r result) {
	k.Helper()
	if !hit {
		ended, ticking := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ticking)
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					k.advance()
				case <-ended:
					return
				}
			}
		}()
		r = runCommand(k.T, k.dir, withKey, k.args("--json")...)
		close(ended)
		<-ticking
	}
	k.bill()
	return r
}

// advance lets the batches that are open end.
func (k *killedBudget) advance() {
	k.Helper()
	if err := k.server.Advance(processing); err != nil {
		k.Error(err)
	}
}

// bill returns what the provider wants, and fails if that is beyond the budget.
func (k *killedBudget) bill() (units int64) {
	k.Helper()
	for e, err := range k.server.Executions() {
		if err != nil {
			k.Fatal(err)
		}
		if e.Billed() {
			units += e.OutputTokens * 120_000_000
		}
	}
	if units > int64(k.limit) {
		k.Errorf("the bill is %s after %d kills, and the budget %s", price.Money(units), k.ended, k.limit)
	}
	return units
}

// checkReceipt compares what the run says that it has cost with the bill, and
// with the costs of the rows.
func (k *killedBudget) checkReceipt(r result) {
	k.Helper()
	var report durable.Report
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || r.code != exitOK {
		k.Fatalf("%v: %+v", err, r)
	}
	bill, s, sum := price.Money(k.bill()), report.Spending, price.Money(0)
	for id, row := range readResults(k.T, filepath.Join(k.dir, "out.jsonl")) {
		if row.Cost == nil {
			k.Fatalf("%s has no cost", id)
		}
		sum += *row.Cost
	}
	if s.Cost != bill || s.List != 2*bill || s.Waste != 0 || s.Reserved != 0 || s.Budget != k.limit || sum != bill {
		k.Errorf("the receipt says %+v, the rows %s, and the bill %s of a budget of %s", s, sum, bill, k.limit)
	}
}
