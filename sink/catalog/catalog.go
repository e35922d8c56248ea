// Package catalog is the table of the providers, by name: what they are called,
// where they are, which variables hold their keys, how their replies are read
// and how a client is made.
//
// A program that uses one provider imports its package instead, for example
// [github.com/balerhq/baler/sink/openai].
package catalog

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/llm"
)

// Provider is an entry of the table.
type Provider struct {
	// Name is the name in a sink.Info, in records and on the command line.
	Name string
	// Keys are the environment variables that may hold the key. The first that
	// is set counts.
	Keys []string
	// BaseURL is where the API is unless a Config says otherwise.
	BaseURL string
	// BaseURLVariable is the environment variable that may hold another
	// address, "" if the provider's own clients read none.
	BaseURLVariable string
	// Calls are the default pace of the client.
	Calls sink.Calls
	// ReadError reads error replies.
	ReadError retry.Grammar
	// ReadRemaining reads what a reply says is left of the limits. It is nil if
	// the provider sends no such headers.
	ReadRemaining func(http.Header) ratelimit.Remaining
	// AppendRow appends a row as a line of a batch file. It is nil if there is
	// no client.
	AppendRow func(dst []byte, endpoint string, row sink.Row) ([]byte, error)
	// Row is how such a line is read.
	Row RowFormat

	// Models are how the names of its models begin, as far as that tells them
	// from those of others.
	Models []string
	// Endpoints are what the rows of its batches may call.
	Endpoints []string
	// Caveats are what its user should know, a line each.
	Caveats []string

	// Codec reads and writes the provider's bodies. It is nil if there is none.
	Codec llm.Codec
	// Versions are those of the API that a Config may choose, the default one
	// first. It is nil if there is no choice.
	Versions []string

	codec   func(version string) (llm.Codec, error)    // of one of the Versions
	connect func(key string, c Config) (client, error) // nil if there is no client yet
}

// client is the client of a provider, for batches and for live calls.
type client interface {
	sink.Provider
	live.Caller
}

// Config adjusts a client. All of it may be zero. It has no key, so that no
// print of it can show one.
type Config struct {
	BaseURL   string            // zero means the provider's
	Version   string            // one of Provider.Versions; zero means the first
	Calls     sink.Calls        // zero fields mean the provider's
	Limits    sink.Limits       // zero fields mean the provider's
	Retry     retry.Policy      // for calls that may be repeated
	AllowHTTP []string          // hosts that may be called without TLS, beside this machine
	Transport http.RoundTripper // zero means the client's own

	// Organization and Project choose who is billed, at OpenAI, for keys of
	// several. Zero leaves it to the key.
	Organization, Project string
}

// HasClient reports whether Connect can make a client.
func (p *Provider) HasClient() bool { return p.connect != nil }

// Connect makes a client that pays with the key. It makes no call.
func (p *Provider) Connect(key string, c Config) (sink.Provider, error) {
	if !p.HasClient() {
		return nil, fmt.Errorf("catalog: there is no client of %s yet: choose one of %q", p.Name, Names())
	}
	if err := p.checkVersion(c.Version); err != nil {
		return nil, err
	}
	return p.connect(key, c)
}

// CodecOf returns the Codec for a version of the API. Empty means the default.
func (p *Provider) CodecOf(version string) (llm.Codec, error) {
	if err := p.checkVersion(version); err != nil || version == "" {
		return p.Codec, err
	}
	return p.codec(version)
}

func (p *Provider) checkVersion(version string) error {
	switch {
	case version == "" || slices.Contains(p.Versions, version):
		return nil
	case len(p.Versions) == 0:
		return fmt.Errorf("catalog: the API of %s has no version to choose: leave it out", p.Name)
	}
	return fmt.Errorf("catalog: the API of %s has no version %q: choose one of %q", p.Name, version, p.Versions)
}

// ConnectLive makes a provider that asks row by row at the synchronous
// endpoint, and pays with the key. It makes no call. What replies say about the
// limits is read as the provider writes it, unless l has another way. The
// caller closes the provider.
func (p *Provider) ConnectLive(key string, c Config, l live.Config) (*live.Provider, error) {
	if !p.HasClient() {
		return nil, fmt.Errorf("catalog: there is no client of %s yet: choose one of %q", p.Name, Names())
	}
	if err := p.checkVersion(c.Version); err != nil {
		return nil, err
	}
	caller, err := p.connect(key, c)
	if err != nil {
		return nil, err
	}
	if l.Remaining == nil {
		l.Remaining = p.ReadRemaining
	}
	return live.New(caller, l)
}

// Find returns the entry of a name.
func Find(name string) (p Provider, ok bool) {
	i := slices.IndexFunc(table, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return table[i], true
}

// Formats returns the codecs of all providers but the named one, for the
// durable.Job.Formats of a job whose Provider that is.
func Formats(provider string) (others []llm.Codec) {
	for i := range table {
		if table[i].Codec != nil && table[i].Name != provider {
			others = append(others, table[i].Codec)
		}
	}
	return others
}

// IsForeign reports whether the bodies of an endpoint are in one of the Formats
// of others than the named provider, and not in its own.
func IsForeign(provider, endpoint string) bool {
	if p, known := Find(provider); known && p.Codec != nil && reads(p.Codec, endpoint) {
		return false
	}
	return slices.ContainsFunc(Formats(provider), func(c llm.Codec) bool { return reads(c, endpoint) })
}

func reads(c llm.Codec, endpoint string) bool {
	_, _, err := c.Parse(endpoint, nil)
	return !errors.Is(err, errors.ErrUnsupported)
}

// All returns the table. The first entry is the one to take unless told
// otherwise.
func All() []Provider { return slices.Clone(table) }

// Names returns the names of the providers that have a client.
func Names() (names []string) {
	for i := range table {
		if table[i].HasClient() {
			names = append(names, table[i].Name)
		}
	}
	return names
}
