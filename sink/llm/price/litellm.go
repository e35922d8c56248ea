package price

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ratio returns m times a through b, rounded up.
func ratio(m, a, b Money) Money {
	product := new(big.Int).Mul(big.NewInt(int64(m)), big.NewInt(int64(a)))
	product.Add(product, big.NewInt(int64(b-1)))
	return Money(product.Div(product, big.NewInt(int64(b))).Int64())
}

// readLiteLLM reads LiteLLM's form: an object with a member for each model.
func readLiteLLM(models map[string]json.RawMessage) (*Table, error) {
	t := &Table{byName: make(map[string]*Model)}
	for _, name := range slices.Sorted(maps.Keys(models)) {
		if name == "sample_spec" {
			continue
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(models[name], &members); err != nil {
			return nil, fmt.Errorf("price: model %q is no object: is this a file of prices?", name)
		}
		m, err := liteLLMModel(name, members)
		if err != nil {
			return nil, fmt.Errorf("price: model %q: %w", name, err)
		}
		if m == nil {
			continue
		}
		if _, twice := models[m.Provider+"/"+name]; twice {
			continue // that name is the clearer one
		}
		if err := t.add(m); err != nil {
			return nil, err
		}
	}
	if len(t.models) == 0 {
		return nil, errors.New(`price: the file has neither "models" nor a model in LiteLLM's form`)
	}
	return t, nil
}

// liteLLMModel returns nil for a model without a price of a token.
func liteLLMModel(name string, members map[string]json.RawMessage) (*Model, error) {
	provider := text(members["litellm_provider"])
	if provider == "" || members["input_cost_per_token"] == nil {
		return nil, nil //nolint:nilnil // it is none
	}
	m := &Model{Provider: provider, Name: strings.TrimPrefix(name, provider+"/")}
	m.MaxInput, m.MaxOutput = number(members["max_input_tokens"]), number(members["max_output_tokens"])
	m.Retires, _ = time.Parse(time.DateOnly, text(members["deprecation_date"])) // there often is none
	for _, lane := range []struct {
		suffix string
		to     *[]Tier
	}{{"", &m.Live}, {"_batches", &m.Batch}, {"_flex", &m.Flex}} {
		tiers, err := liteLLMLane(members, lane.suffix, m.Live)
		if err != nil {
			return nil, err
		}
		*lane.to = tiers
	}
	return m, nil
}

// liteLLMLane reads the prices of one lane. What is not given of a lane costs
// as many times more or less as its input does.
func liteLLMLane(members map[string]json.RawMessage, suffix string, live []Tier) ([]Tier, error) {
	var out []Tier
	for _, above := range append([]int{0}, liteLLMTiers(members)...) {
		infix := ""
		if above > 0 {
			infix = "_above_" + strconv.Itoa(above/1000) + "k_tokens"
		}
		input, ok, err := perToken(members, "input_cost_per_token"+infix+suffix)
		if err != nil {
			return nil, err
		}
		if !ok {
			if above == 0 {
				return nil, nil
			}
			out = append(out, scaled(live, above, out[0])...)
			continue
		}
		base, from := Tier{Input: input, CachedInput: input, CacheWrites: input}, input
		if len(out) > 0 {
			base, from = out[0], out[0].Input
		} else if len(live) > 0 {
			base, from = live[0], live[0].Input
		}
		t := Tier{Above: above, Input: input}
		for _, field := range []struct {
			name  string
			to    *Money
			other Money
		}{
			{"output_cost_per_token", &t.Output, base.Output},
			{"cache_read_input_token_cost", &t.CachedInput, base.CachedInput},
			{"cache_creation_input_token_cost", &t.CacheWrites, base.CacheWrites},
			{"cache_creation_input_token_cost_above_1hr", &t.HourWrites, base.HourWrites},
		} {
			if *field.to, ok, err = perToken(members, field.name+infix+suffix); err != nil {
				return nil, err
			}
			if !ok && from > 0 {
				*field.to = ratio(field.other, input, from)
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// scaled returns the live prices above a length, as many times lower as those of
// a lane are below it, or none if they do not change there.
func scaled(live []Tier, above int, first Tier) []Tier {
	at := slices.IndexFunc(live, func(t Tier) bool { return t.Above == above })
	if at < 0 || live[0].Input == 0 {
		return nil
	}
	t := live[at]
	for _, m := range []*Money{&t.Input, &t.CachedInput, &t.CacheWrites, &t.Output} {
		*m = ratio(*m, first.Input, live[0].Input)
	}
	return []Tier{t}
}

// liteLLMTiers returns the lengths of input above which prices change.
func liteLLMTiers(members map[string]json.RawMessage) []int {
	var out []int
	for name := range members {
		rest, ok := strings.CutPrefix(name, "input_cost_per_token_above_")
		if !ok {
			continue
		}
		k, _, _ := strings.Cut(rest, "k_tokens")
		if n, err := strconv.Atoi(k); err == nil && n > 0 {
			out = append(out, n*1000)
		}
	}
	slices.SortFunc(out, cmp.Compare)
	return slices.Compact(out)
}

// perToken reads a price of one token in dollars. It is false if there is none.
func perToken(members map[string]json.RawMessage, name string) (Money, bool, error) {
	raw := strings.Trim(string(members[name]), `"`)
	if raw == "" || raw == "null" {
		return 0, false, nil
	}
	m, _, err := decimal(raw, 12)
	if err != nil || m > maxPrice {
		return 0, false, fmt.Errorf("%s %s must be from 0 to 1", name, raw)
	}
	return m, true, nil
}

func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // what is no text is none
	return s
}

func number(raw json.RawMessage) int {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
