package price

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxFile limits a file of prices. LiteLLM's has two megabytes.
const maxFile = 64 << 20

// Read reads a table of prices. The file has this form, with prices in dollars
// per million tokens:
//
//	{
//	  "as_of": "2026-11",
//	  "models": [{
//	    "provider": "openai", "model": "m-1", "also": ["m-1-2026-01-31"],
//	    "live": [{"input": 1, "cached": 0.1, "written": 1.25, "written_hour": 2, "output": 5},
//	             {"above": 200000, "input": 2, "output": 10}],
//	    "batch_factor": 0.5,
//	    "max_input": 400000, "max_output": 128000, "retires": "2027-01-31"
//	  }]
//	}
//
// "batch" and "flex" are written like "live", or "batch_factor" and
// "flex_factor" say what part of the live price they cost. Without "cached" or
// "written" such tokens cost what other input does, and above a length that
// changes the price, as many times more as that. "written_hour" is for a cache
// of an hour, and without it such tokens cost what "written" does. Prices have six decimals at
// most, so that a token costs a whole number of units.
//
// A file in LiteLLM's form is recognized and read, too: see
// https://github.com/BerriAI/litellm. Models without a price of a token are
// left out there, prices are rounded up to a unit, and names lose the
// provider's name in front.
func Read(r io.Reader) (*Table, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("price: read: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("price: the file is larger than %d MiB", maxFile>>20)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("price: the file is no JSON object: %w", err)
	}
	if _, own := members["models"]; own {
		return readOwn(data)
	}
	return readLiteLLM(members)
}

type file struct {
	AsOf   string  `json:"as_of"`
	Unit   string  `json:"unit"`
	Models []entry `json:"models"`
}

type entry struct {
	Provider    string      `json:"provider"`
	Model       string      `json:"model"`
	Also        []string    `json:"also"`
	Live        []tierEntry `json:"live"`
	Batch       []tierEntry `json:"batch"`
	Flex        []tierEntry `json:"flex"`
	BatchFactor json.Number `json:"batch_factor"`
	FlexFactor  json.Number `json:"flex_factor"`
	MaxInput    int         `json:"max_input"`
	MaxOutput   int         `json:"max_output"`
	Retires     string      `json:"retires"`
}

type tierEntry struct {
	Above       int         `json:"above"`
	Input       json.Number `json:"input"`
	Cached      json.Number `json:"cached"`
	Written     json.Number `json:"written"`
	WrittenHour json.Number `json:"written_hour"`
	Output      json.Number `json:"output"`
}

const unit = "USD per 1M tokens"

func readOwn(data []byte) (*Table, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var f file
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("price: %w", err)
	}
	if f.Unit != "" && f.Unit != unit {
		return nil, fmt.Errorf("price: the unit is %q: it must be %q", f.Unit, unit)
	}
	t := &Table{asOf: f.AsOf, byName: make(map[string]*Model)}
	for i := range f.Models {
		e := &f.Models[i]
		m, err := e.model()
		if err != nil {
			return nil, fmt.Errorf("price: model %d, %s/%s: %w", i+1, e.Provider, e.Model, err)
		}
		if err := t.add(m, e.Also...); err != nil {
			return nil, err
		}
	}
	t.sort()
	return t, nil
}

// add adds a model under all its names.
func (t *Table) add(m *Model, also ...string) error {
	t.models = append(t.models, m)
	for _, name := range append([]string{m.Name}, also...) {
		key := m.Provider + "/" + name
		if _, ok := t.byName[key]; ok {
			return fmt.Errorf("price: model %s occurs twice", key)
		}
		t.byName[key] = m
	}
	return nil
}

func (e *entry) model() (*Model, error) {
	m := &Model{Provider: e.Provider, Name: e.Model, MaxInput: e.MaxInput, MaxOutput: e.MaxOutput}
	if e.Provider == "" || e.Model == "" {
		return nil, errors.New(`"provider" or "model" is missing`)
	}
	if e.MaxInput < 0 || e.MaxOutput < 0 {
		return nil, errors.New("max_input and max_output must not be negative")
	}
	var err error
	if e.Retires != "" {
		if m.Retires, err = time.Parse(time.DateOnly, e.Retires); err != nil {
			return nil, fmt.Errorf("retires %q is no day such as 2027-01-31", e.Retires)
		}
	}
	if m.Live, err = tiers("live", e.Live); err != nil {
		return nil, err
	}
	if m.Batch, err = e.lane("batch", e.Batch, e.BatchFactor, m.Live); err != nil {
		return nil, err
	}
	if m.Flex, err = e.lane("flex", e.Flex, e.FlexFactor, m.Live); err != nil {
		return nil, err
	}
	if m.Live == nil && m.Batch == nil && m.Flex == nil {
		return nil, errors.New(`it has no price: give "live" or "batch"`)
	}
	return m, nil
}

func (e *entry) lane(name string, given []tierEntry, factor json.Number, live []Tier) ([]Tier, error) {
	switch {
	case factor == "":
		return tiers(name, given)
	case given != nil:
		return nil, fmt.Errorf("%s and %s_factor are both given", name, name)
	case live == nil:
		return nil, fmt.Errorf("%s_factor is given without live", name)
	}
	f, exact, err := decimal(factor.String(), 6)
	if err != nil || !exact || f > 1_000_000 {
		return nil, fmt.Errorf("%s_factor %s must be from 0 to 1, with six decimals at most", name, factor)
	}
	out := make([]Tier, len(live))
	for i, t := range live {
		out[i] = Tier{Above: t.Above, Input: part(t.Input, f), CachedInput: part(t.CachedInput, f), CacheWrites: part(t.CacheWrites, f), HourWrites: part(t.HourWrites, f), Output: part(t.Output, f)}
	}
	return out, nil
}

// part returns a part of a price, in millionths, rounded up.
func part(m, millionths Money) Money { return (m*millionths + 999_999) / 1_000_000 }

// tiers reads the prices of a lane. There may be none.
func tiers(lane string, given []tierEntry) ([]Tier, error) {
	var out []Tier
	for i := range given {
		t, err := given[i].tier()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lane, err)
		}
		if i == 0 && t.Above != 0 || i > 0 && t.Above <= out[i-1].Above {
			return nil, fmt.Errorf(`%s: the first entry has no "above", and each next one a larger one`, lane)
		}
		given[i].fill(&t, out)
		out = append(out, t)
	}
	return out, nil
}

// tier reads what is given.
func (e *tierEntry) tier() (Tier, error) {
	t := Tier{Above: e.Above}
	for _, field := range []struct {
		name     string
		value    json.Number
		to       *Money
		required bool
	}{
		{"input", e.Input, &t.Input, true},
		{"cached", e.Cached, &t.CachedInput, false},
		{"written", e.Written, &t.CacheWrites, false},
		{"written_hour", e.WrittenHour, &t.HourWrites, false},
		{"output", e.Output, &t.Output, true},
	} {
		if field.value == "" {
			if field.required {
				return t, fmt.Errorf("%q is missing: a number, 0 if it costs nothing", field.name)
			}
			continue
		}
		m, exact, err := decimal(field.value.String(), 6)
		if err != nil || !exact || m > maxPrice {
			return t, fmt.Errorf("%s %s must be from 0 to 1000000, with six decimals at most", field.name, field.value)
		}
		*field.to = m
	}
	return t, nil
}

// maxPrice is a dollar for a token. So far, prices times factors do not
// overflow.
const maxPrice = 1_000_000 * perMillion

// fill fills in what is not given: as the first tier has it, times what input
// costs more, or the price of input.
func (e *tierEntry) fill(t *Tier, before []Tier) {
	for _, field := range []struct {
		given json.Number
		to    *Money
		from  func(Tier) Money
	}{
		{e.Cached, &t.CachedInput, func(t Tier) Money { return t.CachedInput }},
		{e.Written, &t.CacheWrites, func(t Tier) Money { return t.CacheWrites }},
	} {
		switch {
		case field.given != "":
		case len(before) == 0 || before[0].Input == 0:
			*field.to = t.Input
		default:
			*field.to = ratio(field.from(before[0]), t.Input, before[0].Input)
		}
	}
	if e.WrittenHour == "" && e.Written == "" && len(before) > 0 && before[0].Input > 0 {
		t.HourWrites = ratio(before[0].HourWrites, t.Input, before[0].Input)
	}
}
