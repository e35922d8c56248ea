package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
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
func keyOf(p *catalog.Provider) string { return firstSet(p.Keys) }

// firstSet is the value of the first variable that is set, "" if none is.
func firstSet(variables []string) string {
	for _, name := range variables {
		if value := os.Getenv(name); value != "" {
			return value
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
	client, err := p.Connect(key, o.config(p, cmp.Or(o.baseURL, os.Getenv(p.BaseURLVariable))))
	if err != nil {
		return nil, usage("%w", err)
	}
	return client, nil
}

// config is that of a client.
func (o *options) config(p *catalog.Provider, baseURL string) catalog.Config {
	version := ""
	if len(p.Versions) > 0 {
		version = o.apiVersion
	}
	return catalog.Config{
		BaseURL: baseURL,
		Version: version,
		Calls:   o.pace.calls(p),
		Retry:   retry.Policy{Delay: o.poll}, // a short poll interval wants short retries
	}
}

// formatOf returns the format of a run's provider, for a version of its API,
// with those of all others that its routes may have. It needs no key.
func formatOf(provider, version string) (archive.Format, error) {
	p, known := catalog.Find(provider)
	if !known || !p.HasClient() {
		return archive.Format{}, usage("the run has the provider %q, which this program does not know", provider)
	}
	codec, err := codecOf(&p, version)
	if err != nil {
		return archive.Format{}, usage("%w", err)
	}
	format := archive.Format{Codec: codec, Row: p.AppendRow, Others: make(map[string]archive.Format)}
	for _, other := range withClient() {
		if other.Name == provider {
			continue
		}
		codec, err := codecOf(&other, version)
		if err != nil {
			return archive.Format{}, usage("%w", err)
		}
		format.Others[other.Name] = archive.Format{Codec: codec, Row: other.AppendRow}
	}
	return format, nil
}

// codecOf is the codec of a provider, for the version if its API has several.
func codecOf(p *catalog.Provider, version string) (llm.Codec, error) {
	if len(p.Versions) == 0 {
		version = ""
	}
	return p.CodecOf(version)
}

// codecsOf are those of a format, by the names of their providers.
func codecsOf(f archive.Format) map[string]llm.Codec {
	all := make(map[string]llm.Codec)
	for name, other := range f.Others {
		all[name] = other.Codec
	}
	return all
}

// versionFlag is also the setting of a run that remembers the version.
const versionFlag = "api-version"

// formatOfRun is the format in which the requests of a run were written.
func formatOfRun(a *archive.Archive) (archive.Format, error) {
	return formatOf(a.Provider(), a.Setting("--"+versionFlag))
}

// versionsOffered says which versions --api-version takes.
func versionsOffered() string {
	var all []string
	for _, p := range withClient() {
		if len(p.Versions) > 0 {
			all = append(all, p.Name+": "+orList(p.Versions))
		}
	}
	return strings.Join(all, "; ")
}

// chooseVersion takes the version of the API from an earlier start of the run,
// unless the command names one, which the provider has to have.
func (o *options) chooseVersion() error {
	if o.apiVersion == "" && !o.fresh {
		o.apiVersion = o.settingOfRun("--" + versionFlag)
		return nil
	}
	p, known := catalog.Find(o.versioned())
	if !known {
		return nil // whoever connects to it says so
	}
	if _, err := p.CodecOf(o.apiVersion); err != nil {
		return usage("--%s %s: %w", versionFlag, o.apiVersion, err)
	}
	return nil
}

// versioned is the provider whose version is meant.
func (o *options) versioned() string {
	for i := range o.routing.parsed {
		if r := &o.routing.parsed[i]; len(r.entry.Versions) > 0 {
			return r.provider
		}
	}
	return o.provider
}

// settingOfRun is what the run was begun with, "" if that cannot be read.
func (o *options) settingOfRun(name string) string {
	dir, err := durable.Open(o.state)
	if err != nil {
		return ""
	}
	a, err := archive.Open(dir, o.name)
	if err != nil {
		return ""
	}
	defer a.Close()
	return a.Setting(name)
}
