package price

import (
	"bytes"
	"cmp"
	_ "embed"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

//go:embed prices.json
var listed []byte

var readListed = sync.OnceValue(func() *Table {
	t, err := Read(bytes.NewReader(listed))
	if err != nil {
		panic(err) // a test reads it, too
	}
	return t
})

// Listed returns the prices that come with Baler.
func Listed() *Table { return readListed() }

// Table is a table of prices. It does not change, so that any number of
// goroutines may use it.
type Table struct {
	asOf   string
	models []*Model          // by provider and name
	byName map[string]*Model // by provider/name, and by their other names
}

// AsOf says of which day the prices are, such as "2026-11", or "".
func (t *Table) AsOf() string { return t.asOf }

// Find returns the price of a provider's model. The name of a fine-tuned model
// of OpenAI, ft:MODEL:ORGANISATION:..., is also found as ft:MODEL.
func (t *Table) Find(provider, model string) (Model, bool) {
	found, ok := t.byName[provider+"/"+model]
	if !ok && strings.HasPrefix(model, "ft:") {
		base, _, _ := strings.Cut(model[len("ft:"):], ":")
		found, ok = t.byName[provider+"/ft:"+base]
	}
	if !ok {
		return Model{}, false
	}
	m := *found
	m.Name = model
	return m, true
}

// Models yields all models, by provider and name. Other names of a model, such
// as those with a day, are left out.
func (t *Table) Models() iter.Seq[Model] {
	return func(yield func(Model) bool) {
		for _, m := range t.models {
			if !yield(*m) {
				return
			}
		}
	}
}

// With returns a table that has the prices of both. Those of over count where
// both name a model.
func (t *Table) With(over *Table) *Table {
	out := &Table{asOf: cmp.Or(over.asOf, t.asOf), byName: make(map[string]*Model, len(t.byName)+len(over.byName))}
	for _, m := range t.models {
		if _, ok := over.byName[m.Provider+"/"+m.Name]; !ok {
			out.models = append(out.models, m)
		}
	}
	out.models = append(out.models, over.models...)
	out.sort()
	maps.Copy(out.byName, t.byName)
	maps.Copy(out.byName, over.byName)
	return out
}

func (t *Table) sort() {
	slices.SortFunc(t.models, func(a, b *Model) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Name, b.Name))
	})
}
