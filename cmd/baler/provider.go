package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// defaultProvider is the provider unless something tells otherwise.
var defaultProvider = catalog.All()[0]

func defaultState() string { return cmp.Or(os.Getenv("BALER_STATE"), ".baler") }

// newProvider makes the client. The key comes from the environment alone: a
// flag would be seen in the list of processes.
func newProvider(o *options) (sink.Provider, error) {
	p, err := findProvider(o.provider)
	if err != nil {
		return nil, err
	}
	key := keyOf(&p)
	if key == "" {
		return nil, usage("%s is not set: set it to the key of the account that pays", keyNames(&p))
	}
	return newClient(&p, o, key)
}

// newKeyless makes a client for what makes no call.
func newKeyless(o *options) (sink.Provider, error) {
	p, err := findProvider(o.provider)
	if err != nil {
		return nil, err
	}
	return newClient(&p, o, "none")
}

func findProvider(name string) (catalog.Provider, error) {
	p, known := catalog.Find(name)
	switch {
	case !known:
		return p, usage("--provider %q is not known%s: it must be %s", name, didYouMean(name), offered())
	case !p.HasClient():
		return p, usage("--provider %q has no client yet: it must be %s", name, offered())
	}
	return p, nil
}

// offered names the providers that --provider takes.
func offered() string { return orList(catalog.Names()) }

// orList is a list as a sentence has it.
func orList(words []string) string {
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	return strings.Join(words, "")
}

// keyOf returns the key in the environment, "" if there is none.
func keyOf(p *catalog.Provider) string {
	for _, name := range p.Keys {
		if key := os.Getenv(name); key != "" {
			return key
		}
	}
	return ""
}

// keyNames names the variables that may hold the key.
func keyNames(p *catalog.Provider) string { return orList(p.Keys) }

// keyNamesOf is the same for a provider by name, and for the default one if the
// name is not known.
func keyNamesOf(name string) string {
	if p, known := catalog.Find(name); known {
		return keyNames(&p)
	}
	return keyNames(&defaultProvider)
}

func newClient(p *catalog.Provider, o *options, key string) (sink.Provider, error) {
	client, err := p.Connect(key, catalog.Config{
		BaseURL: cmp.Or(o.baseURL, os.Getenv(p.BaseURLVariable)),
		Calls:   o.pace.calls(p),
		Retry:   retry.Policy{Delay: o.poll}, // a short poll interval wants short retries
	})
	if err != nil {
		return nil, usage("%w", err)
	}
	return client, nil
}

// formatOf returns the format of a run's provider. It needs no key.
func formatOf(provider string) (archive.Format, error) {
	p, known := catalog.Find(provider)
	if !known || !p.HasClient() {
		return archive.Format{}, usage("the run has the provider %q, which this program does not know", provider)
	}
	return archive.Format{Codec: p.Codec, Row: p.AppendRow}, nil
}
