package price_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

func mustFind(t *testing.T, table *price.Table, provider, model string) price.Model {
	t.Helper()
	m, ok := table.Find(provider, model)
	if !ok {
		t.Fatalf("no price of %s/%s", provider, model)
	}
	return m
}

func TestListedPrices(t *testing.T) {
	t.Parallel()
	million := llm.Usage{Input: 1_000_000, Output: 1_000_000}
	small := llm.Usage{Input: 1000, CachedInput: 600, CacheWrites: 100, Output: 200}
	for _, c := range []struct {
		provider, model string
		lane            price.Lane
		usage           llm.Usage
		want            string
	}{
		{"openai", "gpt-5.4-mini", price.Batch, llm.Usage{Input: 1000, Output: 100}, "$0.0006"},
		{"openai", "gpt-5.4-mini-2026-03-17", price.Live, llm.Usage{Input: 1000, Output: 100}, "$0.0012"},
		{"openai", "gpt-6-luna", price.Batch, million, "$0.475"}, // above 272,000
		{"openai", "gpt-6-luna", price.Flex, llm.Usage{Input: 272_000}, "$0.0136"},
		{"openai", "gpt-6-luna", price.Batch, small, "$0.00007425"},
		{"anthropic", "claude-haiku-5-5", price.Batch, small, "$0.00007425"},
		{"anthropic", "claude-haiku-5-5", price.Live, llm.Usage{Input: 100_001, CachedInput: 1}, "$0.05000005"},
		{"gemini", "gemini-3.6-flash", price.Batch, million, "$2.25"},
		{"gemini", "gemini-2.5-flash", price.Batch, llm.Usage{Input: 1000, CachedInput: 1000}, "$0.00003"}, // no discount on the cache
		{"mistral", "mistral-large-4", price.Batch, million, "$1.40"},
		{"openai", "ft:gpt-4.1-2025-04-14:acme::abc", price.Batch, million, "$7.50"},
	} {
		m := mustFind(t, price.Listed(), c.provider, c.model)
		if got, ok := m.Cost(c.lane, c.usage); !ok || got.String() != c.want || m.Name != c.model {
			t.Errorf("%s %s %+v: %s, %v: want %s", c.model, c.lane, c.usage, got, ok, c.want)
		}
	}
	if _, ok := price.Listed().Find("openai", "gpt-0"); ok {
		t.Error("a price of a model that there is not")
	}
	unsold := mustFind(t, price.Listed(), "anthropic", "claude-mythos-preview")
	if _, ok := unsold.Cost(price.Batch, million); ok {
		t.Error("a batch price of a model that has none")
	}
	n := 0
	for m := range price.Listed().Models() {
		n++
		if len(m.Live) == 0 {
			t.Errorf("%s/%s has no live price", m.Provider, m.Name)
		}
	}
	if n < 150 || price.Listed().AsOf() == "" {
		t.Errorf("%d models as of %q", n, price.Listed().AsOf())
	}
}

// The cost of a request is the sum over its tokens, reckoned here in fractions.
func TestCostAgreesWithFractions(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		rates := make([]string, 5)
		for i := range rates {
			rates[i] = strconv.Itoa(random.IntN(500)) + "." + fmt.Sprintf("%06d", random.IntN(1_000_000))
		}
		table, err := price.Read(strings.NewReader(fmt.Sprintf(`{"models":[{"provider":"p","model":"m","live":[{"input":%s,"cached":%s,"written":%s,"output":%s,"written_hour":%s}]}]}`, rates[0], rates[1], rates[2], rates[3], rates[4])))
		if err != nil {
			t.Fatal(err)
		}
		hour := random.IntN(10_000)
		cached, written, plain, output := random.IntN(10_000), random.IntN(10_000), random.IntN(900_000), random.IntN(100_000)
		m := mustFind(t, table, "p", "m")
		got, ok := m.Cost(price.Live, llm.Usage{Input: plain + cached + written + hour, CachedInput: cached, CacheWrites: written + hour, HourWrites: hour, Output: output})
		want := new(big.Rat)
		for i, tokens := range []int{plain, cached, written, output, hour} {
			rate, _ := new(big.Rat).SetString(rates[i])
			want.Add(want, rate.Mul(rate, big.NewRat(int64(tokens), 1_000_000)))
		}
		if !ok || want.Cmp(big.NewRat(int64(got), int64(price.USD))) != 0 {
			t.Fatalf("cost %s, want %s dollars", got, want.FloatString(12))
		}
	}
}

const liteLLM = `{
	"sample_spec": {"input_cost_per_token": 0, "litellm_provider": "one of ..."},
	"gpt-x": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 400000, "deprecation_date": "2027-02-01",
		"input_cost_per_token": 1e-07, "output_cost_per_token": 5e-07, "cache_read_input_token_cost": 1e-08,
		"input_cost_per_token_batches": 5e-08, "output_cost_per_token_batches": 2.5e-07,
		"input_cost_per_token_above_272k_tokens": 2e-07, "output_cost_per_token_above_272k_tokens": 7.5e-07,
		"input_cost_per_token_above_272k_tokens_batches": 1e-07, "output_cost_per_token_above_272k_tokens_batches": 3.75e-07},
	"gemini/g-x": {"litellm_provider": "gemini", "input_cost_per_token": 3e-07, "output_cost_per_token": 2.5e-06},
	"long": {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 4e-06, "input_cost_per_token_batches": 5e-07,
		"output_cost_per_token_batches": 2e-06, "input_cost_per_token_above_200k_tokens": 2e-06, "output_cost_per_token_above_200k_tokens": 6e-06},
	"dall-e": {"litellm_provider": "openai", "input_cost_per_pixel": 1e-8}
}`

func TestReadLiteLLM(t *testing.T) {
	t.Parallel()
	table, err := price.Read(strings.NewReader(liteLLM))
	if err != nil {
		t.Fatal(err)
	}
	m := mustFind(t, table, "openai", "gpt-x")
	for _, c := range []struct {
		lane  price.Lane
		usage llm.Usage
		want  string
	}{
		{price.Live, llm.Usage{Input: 1000, Output: 100}, "$0.00015"},
		{price.Batch, llm.Usage{Input: 1000, CachedInput: 1000}, "$0.000005"},
		{price.Batch, llm.Usage{Input: 300_000, CachedInput: 100_000, Output: 1000}, "$0.021375"},
	} {
		if got, ok := m.Cost(c.lane, c.usage); !ok || got.String() != c.want {
			t.Errorf("%s %+v: %s, want %s", c.lane, c.usage, got, c.want)
		}
	}
	if m.MaxInput != 400_000 || m.Retires.Format("2006-01-02") != "2027-02-01" {
		t.Errorf("model %+v", m)
	}
	long := mustFind(t, table, "openai", "long")
	if got, ok := long.Cost(price.Batch, llm.Usage{Input: 300_000, Output: 1000}); !ok || got.String() != "$0.303" {
		t.Errorf("a long input costs %s in a batch", got)
	}
	g := mustFind(t, table, "gemini", "g-x")
	if _, ok := g.Cost(price.Batch, llm.Usage{Input: 1}); ok {
		t.Error("a batch price that nobody gave")
	}
	if _, ok := table.Find("openai", "dall-e"); ok {
		t.Error("a model without a price of a token")
	}
}

func TestWithOverrides(t *testing.T) {
	t.Parallel()
	own, err := price.Read(strings.NewReader(`{"as_of":"2027-01","models":[
		{"provider":"openai","model":"gpt-6-luna","live":[{"input":9,"output":9}],"batch_factor":0.5},
		{"provider":"here","model":"llama","live":[{"input":0,"output":0}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table := price.Listed().With(own)
	luna, llama := mustFind(t, table, "openai", "gpt-6-luna"), mustFind(t, table, "here", "llama")
	if got, _ := luna.Cost(price.Batch, llm.Usage{Input: 1_000_000}); got.String() != "$4.50" {
		t.Errorf("cost %s", got)
	}
	if got, ok := llama.Cost(price.Live, llm.Usage{Input: 5}); !ok || got != 0 {
		t.Errorf("what is free costs %s, %v", got, ok)
	}
	names := make(map[string]int)
	for m := range table.Models() {
		names[m.Provider+"/"+m.Name]++
	}
	if names["openai/gpt-6-luna"] != 1 || names["here/llama"] != 1 || names["openai/gpt-6-sol"] != 1 || table.AsOf() != "2027-01" {
		t.Errorf("models %v as of %s", names, table.AsOf())
	}
	if old := mustFind(t, price.Listed(), "openai", "gpt-6-luna"); old.Live[0].Input == luna.Live[0].Input {
		t.Error("the listed prices have changed")
	}
}

func TestReadRefusesMistakes(t *testing.T) {
	t.Parallel()
	model := func(rest string) string { return `{"models":[{"provider":"p","model":"m",` + rest + `}]}` }
	for text, want := range map[string]string{
		`[]`:                          "no JSON object",
		`{"a":1}`:                     "no object",
		`{}`:                          "neither",
		`{"unit":"EUR","models":[]}`:  "unit",
		`{"models":[{"model":"m"}]}`:  "provider",
		model(`"max_input":1`):        "no price",
		model(`"live":[{"input":1}]`): `"output" is missing`,
		model(`"live":[{"input":-1,"output":1}]`):                              "input -1",
		model(`"live":[{"input":0.0000001,"output":1}]`):                       "six decimals",
		model(`"live":[{"input":1,"output":1,"price":2}]`):                     `"price"`,
		model(`"live":[{"above":5,"input":1,"output":1}]`):                     `no "above"`,
		model(`"live":[{"input":1,"output":1},{"input":1,"output":1}]`):        "larger",
		model(`"live":[{"input":1,"output":1}],"batch_factor":2`):              "0 to 1",
		model(`"batch_factor":0.5`):                                            "without live",
		model(`"live":[{"input":1,"output":1}],"batch":[],"batch_factor":0.5`): "both",
		model(`"live":[{"input":1,"output":1}],"retires":"soon"`):              "soon",
		model(`"live":[{"input":1,"output":1}],"also":["m"]`):                  "twice",
		`{"m":{"litellm_provider":"p","input_cost_per_token":-1}}`:             "-1",
	} {
		if _, err := price.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not mention %q", text, err, want)
		}
	}
}

// The listed prices are those of a table that others gathered, if it is here.
func TestListedPricesAreThoseOfTheirSource(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(os.Getenv("BALER_DATA"), "batch-prices.json"))
	if err != nil {
		t.Skip("BALER_DATA names no directory with batch-prices.json")
	}
	var source struct {
		Models map[string]map[string]any
	}
	if err := json.Unmarshal(data, &source); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for name, has := range source.Models {
		provider, _ := has["provider"].(string)
		if _, twice := source.Models[provider+"/"+name]; twice {
			continue
		}
		m, ok := price.Listed().Find(provider, strings.TrimPrefix(name, provider+"/"))
		if !ok {
			continue
		}
		for field, got := range map[string]func(price.Tier) price.Money{
			"in": func(t price.Tier) price.Money { return t.Input }, "out": func(t price.Tier) price.Money { return t.Output },
			"cache_read": func(t price.Tier) price.Money { return t.CachedInput }, "cache_write": func(t price.Tier) price.Money { return t.CacheWrites },
		} {
			for suffix, tiers := range map[string][]price.Tier{"": m.Live, "_batch": m.Batch} {
				want, ok := has[field+suffix].(float64)
				if !ok || len(tiers) == 0 {
					continue
				}
				compared++
				if r := new(big.Rat).SetFloat64(want); fmt.Sprint(float64(got(tiers[0]))/1e6) != fmt.Sprint(want) {
					t.Errorf("%s %s%s: %d, want %s", name, field, suffix, got(tiers[0]), r.FloatString(6))
				}
			}
		}
	}
	if compared < 800 {
		t.Errorf("only %d prices were compared", compared)
	}
}

// What a cache keeps for an hour costs what is given for that, in each lane and
// tier, or else what other writing does.
func TestWhatIsKeptForAnHourHasItsPrice(t *testing.T) {
	t.Parallel()
	table, err := price.Read(strings.NewReader(`{"models":[
		{"provider":"p","model":"given","live":[{"input":3,"written":3.75,"written_hour":6,"output":1},{"above":100,"input":6,"output":1}],"batch_factor":0.5},
		{"provider":"p","model":"not","live":[{"input":3,"written":3.75,"output":1}],"batch_factor":0.5}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for want, of := range map[price.Money]struct {
		model string
		lane  price.Lane
		input int
	}{
		60_000_000: {"given", price.Live, 10}, 30_000_000: {"given", price.Batch, 10}, 2_400_000_000: {"given", price.Live, 200}, 18_750_000: {"not", price.Batch, 10},
	} {
		m := mustFind(t, table, "p", of.model)
		if got, _ := m.Cost(of.lane, llm.Usage{Input: of.input, CacheWrites: of.input, HourWrites: of.input}); got != want {
			t.Errorf("%+v: %d, want %d", of, got, want)
		}
	}
}
