package intercept

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/catalog"
)

// home is where the calls of a provider go that the caller may name.
type home struct {
	name     string // as the first element of a proxy's path
	provider string // of the catalog, whose protocol it speaks
	baseURL  string // as that provider's client takes it
	variable string // that SDKs read for the address, "" if they read none
	suffix   string // of the address of the proxy, as the SDK wants it
	beneath  string // what SDKs put between that address and the endpoint
	version  string // what each path of the API begins with, though some SDKs leave it out
	keys     []string
}

// homes are known by name, those with a protocol of their own first.
var homes = []home{
	of("openai", home{suffix: "/v1", beneath: "/v1"}),
	of("anthropic", home{version: "/v1"}),
	of("gemini", home{}),
	of("mistral", home{}),
	{name: "groq", provider: "openai", baseURL: "https://api.groq.com/openai/v1", variable: "GROQ_BASE_URL", beneath: "/openai/v1", keys: []string{"GROQ_API_KEY"}},
	{name: "together", provider: "openai", baseURL: "https://api.together.ai/v1", variable: "TOGETHER_BASE_URL", beneath: "/v1", keys: []string{"TOGETHER_API_KEY"}},
}

// of fills in what the catalog knows of a provider.
func of(name string, h home) home {
	p, _ := catalog.Find(name)
	h.name, h.provider, h.baseURL, h.variable, h.keys = name, name, p.BaseURL, p.BaseURLVariable, p.Keys
	return h
}

func homeNamed(name string) (home, bool) {
	for _, h := range homes {
		if h.name == name {
			return h, true
		}
	}
	return home{}, false
}

// path returns the path of a call as the service documents it. SDKs of one
// service differ in what of it they expect in the address that they are given.
func (h *home) path(given string) string {
	for h.beneath != "" && strings.HasPrefix(given, h.beneath+h.beneath+"/") {
		given = strings.TrimPrefix(given, h.beneath)
	}
	if !strings.HasPrefix(given, h.version+"/") {
		given = h.version + given
	}
	return given
}

// base returns the base URL of the service from an address that its SDKs take.
func (h *home) base(given string) string {
	given = strings.TrimSuffix(given, "/")
	if h.suffix == "" && !strings.HasSuffix(given, h.beneath) {
		given += h.beneath
	}
	return given
}

// hasOrganizations reports whether the service's keys may pay for several. The
// SDKs of others send the same headers, which mean nothing there.
func (h *home) hasOrganizations() bool { return h.name == "openai" }

// HomeNames returns the names of the services that a proxy knows.
func HomeNames() (names []string) {
	for _, h := range homes {
		names = append(names, h.name)
	}
	return names
}

// isHome reports whether a base URL is that of a service at home.
func isHome(provider, baseURL string) bool {
	return slices.ContainsFunc(homes, func(h home) bool { return h.provider == provider && h.baseURL == baseURL })
}

// homeAt returns the service whose API a host is, by its name or by the path
// and the headers of a call: a proxy, or a simulator, may have any name.
func homeAt(u *url.URL, header http.Header) home {
	for _, h := range homes {
		if base, err := url.Parse(h.baseURL); err == nil && strings.EqualFold(base.Host, u.Host) {
			return h
		}
	}
	h, _ := homeNamed(guess(u.Path, u.Query(), header))
	return h
}

// guess returns the name of the service that a call means whose address names
// none. A header that only one provider has decides before the path, so that no
// other provider gets to see a key.
func guess(path string, query url.Values, header http.Header) string {
	_, _, _, isGemini := cutGemini(path)
	switch {
	case header.Get("Anthropic-Version") != "" || header.Get("X-Api-Key") != "":
		return "anthropic"
	case header.Get("X-Goog-Api-Key") != "" || query.Has("key"):
		return "gemini"
	case path == "/v1/messages" || strings.HasPrefix(path, "/v1/messages/"):
		return "anthropic"
	case isGemini || strings.HasPrefix(path, "/v1beta/"):
		return "gemini"
	}
	return "openai"
}
