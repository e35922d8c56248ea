package batchapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink"
)

// The protocols, by the names of the providers that made them.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
)

// Caller is who makes a call, as far as Connect needs it. It has no print of
// its key.
type Caller struct {
	// Protocol is OpenAI or Anthropic.
	Protocol string
	// Version is that of Anthropic's API, "" if the call names none.
	Version string
	// Organization and Project are those that a call to OpenAI names.
	Organization, Project string
	// Key returns the caller's key. It is "" if the call has none, and for a
	// batch that goes on without its caller.
	Key func() string
}

// ErrNoKey is for a Connect that cannot do without the caller's key. The caller
// gets the status 401, and an unfinished batch waits for its caller.
var ErrNoKey = errors.New("the call has no key: send one as the provider's own clients do")

// Account is what answers a batch.
type Account struct {
	// Provider answers with the models that the requests name.
	Provider sink.Provider
	// Routes answer instead, with models of their own. See durable.Job.
	Routes []durable.Route
	// Choose and Failover are those of a durable.Job with Routes.
	Choose   router.Strategy[durable.Waiting]
	Failover durable.Failover
}

// providers are those of the account.
func (a *Account) providers() (all []sink.Provider) {
	for i := range a.Routes {
		all = append(all, a.Routes[i].Provider)
	}
	if len(all) == 0 {
		all = append(all, a.Provider)
	}
	return all
}

// names are the names of the providers, by route: "" without Routes.
func (a *Account) names() map[string]string {
	if len(a.Routes) == 0 {
		return map[string]string{"": a.Provider.Info().Name}
	}
	names := make(map[string]string)
	for i := range a.Routes {
		names[cmp.Or(a.Routes[i].Name, a.Routes[i].Model)] = a.Routes[i].Provider.Info().Name
	}
	return names
}

func callerOf(protocol string, h http.Header) Caller {
	key := ""
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		key = strings.TrimSpace(token)
	}
	c := Caller{Protocol: protocol}
	switch protocol {
	case Anthropic:
		if own := h.Get("X-Api-Key"); own != "" {
			key = own
		}
		c.Version = h.Get("Anthropic-Version")
	default:
		c.Organization, c.Project = h.Get("Openai-Organization"), h.Get("Openai-Project")
	}
	c.Key = func() string { return key }
	return c
}

// owner tells callers apart. A key cannot be found from it.
func (c *Caller) owner() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{"baler batches", c.Protocol, c.Organization, c.Project, c.Key()}, "\x00")))
	return hex.EncodeToString(sum[:12])
}
