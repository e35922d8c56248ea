package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/balerhq/baler/cmd/baler/internal/nearest"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/catalog"
)

// chooseProvider decides for a provider if the command names none: for the one
// that has the model and whose key is set. Models that no provider is known for
// are those of a server that speaks the protocol of the default one.
func (o *options) chooseProvider(dialect source.CSVFormat, tell func(string)) error {
	if o.routing.given() {
		o.provider = o.routing.parsed[0].provider
	}
	if o.provider != "" {
		return nil
	}
	model := cmp.Or(o.model, o.firstModel(dialect))
	have := catalog.OfModel(model)
	paid := slices.DeleteFunc(slices.Clone(have), func(p catalog.Provider) bool { return keyOf(&p) == "" })
	switch {
	case len(paid) == 1:
		o.provider = paid[0].Name
	case len(have) == 1 && have[0].Name == defaultProvider.Name, len(have) == 0 && usable(&defaultProvider, o.baseURL):
		o.provider = defaultProvider.Name
	case len(have) == 1:
		return usage("%q is a model of %s: set %s, or name another --provider that has it", model, have[0].Name, keyNames(&have[0]))
	case len(have) > 1:
		return usage("%q may be a model of several providers: name the --provider, and set its key: %s", model, keyList(have))
	case model == "":
		return usage("no provider is named: name the --provider, and set its key: %s", keyList(withClient()))
	default:
		return usage("%q is of no provider that is known: name the --provider that has it, and set its key: %s", model, keyList(withClient()))
	}
	if o.provider != defaultProvider.Name {
		tell(fmt.Sprintf("provider: %s, since %q is one of its models", o.provider, model))
	}
	return nil
}

// usable reports whether anything says that a provider is to be called.
func usable(p *catalog.Provider, baseURL string) bool {
	return keyOf(p) != "" || cmp.Or(baseURL, os.Getenv(p.BaseURLVariable)) != ""
}

func withClient() []catalog.Provider {
	return slices.DeleteFunc(catalog.All(), func(p catalog.Provider) bool { return !p.HasClient() })
}

// keyList says which providers there are, and which variables hold their keys.
func keyList(providers []catalog.Provider) string {
	words := make([]string, len(providers))
	for i := range providers {
		words[i] = fmt.Sprintf("%s (%s)", providers[i].Name, keyNames(&providers[i]))
	}
	return orList(words)
}

// firstModel is the model that the first row in batch format names, "" if it
// names none or there is no such row. Whatever is wrong with it is told later.
func (o *options) firstModel(dialect source.CSVFormat) string {
	if o.asksChats() && !o.messages.chatRows {
		return ""
	}
	for row, err := range o.source(dialect).Items() {
		if err != nil {
			return ""
		}
		if o.messages.chatRows {
			return scalar(member(row.JSON, "model"))
		}
		for _, p := range withClient() {
			if model := scalar(member(member(row.JSON, p.Row.Body), "model")); model != "" {
				return model
			}
		}
		return ""
	}
	return ""
}

// providerOfRuns returns the provider of a run in a state directory, or of all
// of them if name is empty. It is the default one if none can be read.
func providerOfRuns(state, name string) (string, error) {
	all, err := runsOf(state)
	if err != nil {
		return defaultProvider.Name, nil //nolint:nilerr // what is wrong with the directory is said by whoever opens it
	}
	var found []string
	for i := range all {
		if name != "" && all[i].Name != name {
			continue
		}
		if p := providerOfRun(state, all[i].Name); p != "" && !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return defaultProvider.Name, nil
	case 1:
		return found[0], nil
	}
	return "", usage("%s has runs of several providers: name the --provider to ask, one of %s", state, strings.Join(found, ", "))
}

func providerOfRun(state, name string) string { return append(providersOfRun(state, name), "")[0] }

// providersOfRun returns the providers that a run has had routes at, the first
// as Archive.Provider has it; none if it cannot be read.
func providersOfRun(state, name string) []string {
	dir, err := durable.Open(state)
	if err != nil {
		return nil
	}
	a, err := archive.Open(dir, name)
	if err != nil {
		return nil
	}
	defer a.Close()
	return a.Providers()
}

// providersOfRuns returns the providers of each run that can be read.
func providersOfRuns(state string) (all [][]string) {
	runs, err := runsOf(state)
	if err != nil {
		return nil
	}
	for i := range runs {
		all = append(all, providersOfRun(state, runs[i].Name))
	}
	return all
}

// didYouMean is the provider that a wrong name is close to, in words; "" if
// there is none.
func didYouMean(name string) string {
	best := nearest.Of(name, catalog.Names())
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}
