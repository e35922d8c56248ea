package intercept

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/anthropic"
)

// No other provider gets to see a key.
func TestKeysGoToTheirProviders(t *testing.T) {
	h := &handler{bases: make(map[string]*url.URL)}
	for _, home := range homes {
		h.bases[home.name], _ = url.Parse(home.baseURL)
	}
	for header, want := range map[string]string{
		"Anthropic-Version": "https://api.anthropic.com/v1/models",
		"X-Api-Key":         "https://api.anthropic.com/v1/models",
		"X-Goog-Api-Key":    "https://generativelanguage.googleapis.com/v1/models",
		"Authorization":     "https://api.openai.com/v1/models",
	} {
		given := http.Header{header: {"x"}}
		if _, u := h.route("/v1/models", "", given); u.String() != want {
			t.Errorf("with %s it goes to %s, want %s", header, u, want)
		}
		if to, _ := h.route("/mistral/v1/models", "", given); to.name != "mistral" {
			t.Errorf("with %s it goes to %s", header, to.name)
		}
	}
	if to, _ := h.route("/v1/models", "key=x", nil); to.name != "gemini" {
		t.Errorf("a key in the query goes to %s", to.name)
	}
}

// A job has one account, and services that share a host have one each.
func TestAccountsAreJobs(t *testing.T) {
	i := &Interceptor{payers: make(map[payer]*account), accounts: make(map[string]*account)}
	find := func(provider, baseURL, version, organization string) *account {
		c := &call{key: func() string { return "sk-test" }, version: version, organization: organization}
		c.provider, c.baseURL = provider, baseURL
		a, err := i.account(c)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if find("anthropic", "https://api.anthropic.com", "2023-06-01", "org-1") != find("anthropic", "https://api.anthropic.com", "2023-06-01", "") {
		t.Error("an account that has no organizations is two")
	}
	if find("openai", "https://h/v1", "", "") != find("openai", "https://h:443/v1", "", "") {
		t.Error("a service is two")
	}
	seen := make(map[string]string)
	for _, base := range []string{"https://api.openai.com/v1", "https://h/v1", "https://h/b/v1", "https://h:8443/v1"} {
		for _, organization := range []string{"", "org-1"} {
			name := find("openai", base, "", organization).name
			if seen[name] != "" {
				t.Errorf("%s and %s are both %s", seen[name], base, name)
			}
			seen[name] = base
		}
	}
}

func TestOnlyOpenAIHasOrganizations(t *testing.T) {
	i := &Interceptor{payers: make(map[payer]*account), accounts: make(map[string]*account)}
	for name, want := range map[string]string{"openai": "org-1", "groq": "", "together": ""} {
		to, _ := homeNamed(name)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, to.baseURL+"/chat/completions", strings.NewReader(chatOfOne))
		r.Header.Set("Authorization", "Bearer sk-test")
		r.Header.Set("Openai-Organization", "org-1")
		c, _, err := i.recognize(r, homeAt(r.URL, r.Header), r.URL)
		if err != nil || c == nil || c.organization != want {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

const chatOfOne = `{"model":"m","messages":[{"role":"user","content":"one"}]}`

// Keys travel in plain text only on this machine.
func TestAProxyTakesNoPlainHTTPToElsewhere(t *testing.T) {
	i := &Interceptor{cfg: Config{AllowHTTP: []string{"vllm.internal"}}, log: slog.New(slog.DiscardHandler)}
	for base, want := range map[string]bool{
		"http://localhost:1/v1": true, "http://[::1]:1/v1": true, "http://vllm.internal/v1": true, "https://h/v1": true,
		"http://h/v1": false, "http://10.0.0.1/v1": false, "ftp://h": false,
	} {
		if _, err := i.Handler(HandlerConfig{BaseURLs: map[string]string{"openai": base}}); (err == nil) != want {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// A token may have any character.
func TestATokenInThePath(t *testing.T) {
	h := &handler{cfg: HandlerConfig{Token: "a/b c?%"}}
	for _, path := range []string{"/v1/models", "/v1/files/a%2Fb"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/token/"+url.PathEscape(h.cfg.Token)+path, http.NoBody)
		want, _ := url.PathUnescape(path)
		if got, ok := h.admitted(r); !ok || got != want {
			t.Errorf("%s: %s, %v", path, got, ok)
		}
	}
}

// What the provider takes, but not in a batch, passes through as it came.
func TestWhatBatchesRefusePassesThrough(t *testing.T) {
	i := &Interceptor{payers: make(map[payer]*account), accounts: make(map[string]*account)}
	to, _ := homeNamed("anthropic")
	for body, want := range map[string]bool{
		`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"one"}]}`:                                  true,
		`{"stream":true, "model":"m","max_tokens":9,"temperature":0.5,"messages":[{"role":"user","content":"one"}]}`: false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.anthropic.com/v1/messages", strings.NewReader(body))
		r.Header.Set("X-Api-Key", "sk-test")
		r.Header.Set("Anthropic-Version", anthropic.Version20261021)
		c, restored, err := i.recognize(r, to, r.URL)
		if err != nil || (c != nil) != want {
			t.Errorf("%s: %+v, %v", body, c, err)
		}
		if want {
			continue
		}
		if b, err := io.ReadAll(restored.Body); err != nil || string(b) != body {
			t.Errorf("%s goes on, %v", b, err)
		}
	}
}

// The address of a service is given as its SDKs take it, who differ in that.
func TestAddressesOfServices(t *testing.T) {
	for _, test := range [][3]string{
		{"openai", "https://h/v1", "https://h/v1"},
		{"openai", "https://h/", "https://h"},
		{"anthropic", "https://h", "https://h"},
		{"groq", "https://api.groq.com", "https://api.groq.com/openai/v1"},
		{"groq", "https://api.groq.com/openai/v1/", "https://api.groq.com/openai/v1"},
		{"together", "https://api.together.ai", "https://api.together.ai/v1"},
		{"together", "https://api.together.ai/v1", "https://api.together.ai/v1"},
	} {
		if got := BaseURL(test[0], test[1]); got != test[2] {
			t.Errorf("%s at %s is %s, want %s", test[0], test[1], got, test[2])
		}
	}
}
