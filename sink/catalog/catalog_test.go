package catalog_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

func TestEveryEntryIsWhole(t *testing.T) {
	seen := make(map[string]bool) // of names and variables
	for _, p := range catalog.All() {
		for _, name := range append([]string{p.Name}, p.Keys...) {
			if name == "" || seen[name] {
				t.Errorf("%s: %q stands twice, or is empty", p.Name, name)
			}
			seen[name] = true
		}
		if len(p.Keys) == 0 || !strings.HasPrefix(p.BaseURL, "https://") || p.ReadError == nil {
			t.Errorf("%+v", p)
		}
		if found, ok := catalog.Find(p.Name); !ok || found.BaseURL != p.BaseURL {
			t.Errorf("%s is not found", p.Name)
		}
		if p.HasClient() != (p.AppendRow != nil) || p.HasClient() != slices.Contains(catalog.Names(), p.Name) {
			t.Errorf("%s has a client: %v, but a format %v, and is offered among %q", p.Name, p.HasClient(), p.AppendRow != nil, catalog.Names())
		}
		if p.HasClient() {
			wantWhole(t, &p)
		}
	}
	if first := catalog.All()[0]; !first.HasClient() {
		t.Errorf("the first, %s, has no client", first.Name)
	}
	if _, ok := catalog.Find("nobody"); ok {
		t.Error("nobody is found")
	}
}

// wantWhole fails unless an entry with a client has what a program needs.
func wantWhole(t *testing.T, p *catalog.Provider) {
	t.Helper()
	if p.Codec == nil || p.Calls == (sink.Calls{}) || len(p.Models) == 0 || len(p.Endpoints) == 0 || p.Row.ID == "" || p.Row.Body == "" {
		t.Errorf("%s lacks something: %+v", p.Name, p)
	}
	if !slices.Contains(p.Endpoints, p.Codec.Endpoint()) {
		t.Errorf("%s: chats call %s, which is none of %q", p.Name, p.Codec.Endpoint(), p.Endpoints)
	}
	for _, caveat := range p.Caveats {
		if strings.Contains(caveat, "\n") || !strings.HasSuffix(caveat, ".") {
			t.Errorf("%s: %q is no sentence on a line", p.Name, caveat)
		}
	}
	for _, endpoint := range p.Endpoints {
		line, err := p.AppendRow(nil, endpoint, sink.Row{ID: "a", Body: []byte(`{"model":"m","n":1}`)})
		var members map[string]json.RawMessage
		if err != nil || json.Unmarshal(line, &members) != nil {
			t.Fatalf("%s: row %s, %v", p.Name, line, err)
		}
		if string(members[p.Row.ID]) != `"a"` || !strings.Contains(string(members[p.Row.Body]), `"n":1`) {
			t.Errorf("%s: %s is no row with %q and %q", p.Name, line, p.Row.ID, p.Row.Body)
		}
	}
}

func TestModelsAreOfTheirProviders(t *testing.T) {
	for model, want := range map[string]string{
		"gpt-5.4-mini": "openai", "o3": "openai", "o4-mini": "openai", "chatgpt-4o-latest": "openai", "ft:gpt-4.1:org::x": "openai",
		"text-embedding-3-small": "openai", "omni-moderation-latest": "openai", "GPT-5": "openai",
		"claude-haiku-5.5": "anthropic",
		"gemini-3.6-flash": "gemini", "models/gemini-3.6-flash": "gemini", "gemini-embedding-001": "gemini", "text-embedding-004": "gemini",
		"mistral-small-latest": "mistral", "open-mistral-nemo": "mistral", "ministral-8b-latest": "mistral", "codestral-latest": "mistral",
		"ft:open-mistral-7b:x": "mistral", "mistral-embed": "mistral",
		"m": "", "": "", "llama-4": "", "open": "",
	} {
		var names []string
		for _, p := range catalog.OfModel(model) {
			names = append(names, p.Name)
		}
		if !slices.Contains(catalog.Names(), want) {
			want = "" // it has no client
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%q is of %q, want %q", model, got, want)
		}
	}
}

// Requests without an "url" call what their members say.
func TestRequestsSayWhatTheyCall(t *testing.T) {
	for _, test := range []struct{ provider, model, members, want string }{
		{"anthropic", "m", "messages", "/v1/messages"},
		{"gemini", "m", "contents", "/v1beta/models/{model}:generateContent"},
		{"gemini", "m", "content", "/v1beta/models/{model}:embedContent"},
		{"gemini", "m", "", ""},
		{"mistral", "m", "messages", "/v1/chat/completions"},
		{"mistral", "codestral-latest", "prompt", "/v1/fim/completions"},
		{"mistral", "mistral-ocr-latest", "document", "/v1/ocr"},
		{"mistral", "mistral-embed", "input", "/v1/embeddings"},
		{"mistral", "mistral-moderation-latest", "input", "/v1/moderations"},
		{"mistral", "m", "input", ""},
	} {
		p, _ := catalog.Find(test.provider)
		got := p.Row.Endpoint(test.model, func(member string) bool { return member == test.members })
		if got != test.want || got != "" && !slices.Contains(p.Endpoints, got) {
			t.Errorf("%+v calls %q", test, got)
		}
	}
}

// The formats of others are those of every codec but the provider's own. Its
// own endpoints are in its own format.
func TestFormatsAreThoseOfOthers(t *testing.T) {
	for _, p := range catalog.All() {
		formats := catalog.Formats(p.Name)
		if slices.Contains(formats, p.Codec) {
			t.Errorf("%s has a foreign format of its own", p.Name)
		}
		for _, other := range catalog.All() {
			if other.Codec != nil && other.Name != p.Name && !slices.Contains(formats, other.Codec) {
				t.Errorf("%s does not read the format of %s", p.Name, other.Name)
			}
		}
	}
	for _, test := range []struct {
		provider, endpoint string
		isForeign          bool
	}{
		{"openai", "/v1/chat/completions", false},
		{"openai", "/v1/responses", false},
		{"openai", "/v1/embeddings", false},
		{"openai", "/v1/messages", true},
		{"openai", "/v1beta/models/m:generateContent", true},
		{"anthropic", "/v1/messages", false},
		{"anthropic", "/v1/responses", true},
		{"anthropic", "/v1/chat/completions", true},
		{"mistral", "/v1/chat/completions", false},
		{"mistral", "/v1/responses", true},
		{"nobody", "/v1/messages", true},
	} {
		if got := catalog.IsForeign(test.provider, test.endpoint); got != test.isForeign {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestClientIsThatOfTheName(t *testing.T) {
	for _, p := range catalog.All() {
		client, err := p.Connect("sk-marker", catalog.Config{})
		if !p.HasClient() {
			if err == nil || client != nil || !strings.Contains(err.Error(), p.Name) || !strings.Contains(err.Error(), catalog.Names()[0]) {
				t.Errorf("%s: %v", p.Name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if info := client.Info(); info.Name != p.Name || !strings.Contains(p.BaseURL, info.Origin) || info.Codec == nil || info.Codec.Endpoint() != p.Codec.Endpoint() || info.Codec.Revision() != p.Codec.Revision() {
			t.Errorf("%s has the client %+v", p.Name, info)
		}
		if row, err := p.AppendRow(nil, "/v1/x", sink.Row{ID: "a", Body: []byte(`{"n":1}`)}); err != nil || !strings.Contains(string(row), `{"n":1}`) {
			t.Errorf("%s: row %s, %v", p.Name, row, err)
		}
		client, err = p.Connect("sk-marker", catalog.Config{BaseURL: "http://example.com"})
		if err == nil || client != nil {
			t.Errorf("%s: a key over http: %v", p.Name, err)
		}
		if _, err := p.Connect("sk-marker", catalog.Config{Calls: sink.Calls{Deletes: -1}}); err == nil {
			t.Errorf("%s: a negative pace is taken", p.Name)
		}
		wantConfigured(t, &p)
	}
}

// wantConfigured fails unless all of a Config reaches the client.
func wantConfigured(t *testing.T, p *catalog.Provider) {
	t.Helper()
	called := 0
	client, err := p.Connect("sk-marker", catalog.Config{
		BaseURL: "http://proxy.internal/x", AllowHTTP: []string{"proxy.internal"}, Limits: sink.Limits{Rows: 7},
		Retry: retry.Policy{MaxAttempts: 2, Delay: time.Nanosecond, MaxDelay: time.Nanosecond},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if called++; !strings.HasPrefix(r.URL.String(), "http://proxy.internal/x/") {
				t.Errorf("%s calls %s", p.Name, r.URL)
			}
			return nil, errors.New("no network")
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	limits := client.Limits("m")
	if limits.Rows != 7 || limits.Bytes == 0 || limits.Window == 0 {
		t.Errorf("%s has the limits %+v", p.Name, limits)
	}
	if err := client.Check(t.Context()); err == nil || called != 2 {
		t.Errorf("%s: check: %v, after %d calls", p.Name, err, called)
	}
}

// roundTripper is a function that is an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A grammar may say what it will, but never that a call that makes nothing is
// in doubt, that a server that died has made nothing, or to wait for ever.
func FuzzGrammars(f *testing.F) {
	f.Add(429, "20", `{"error":{"message":"m","type":"t","code":"c"}}`)
	f.Add(503, "Sat, 21 Nov 2009 10:00:30 GMT", `[{"error":{"code":503,"details":[{"retryDelay":"1s"}]}}]`)
	f.Add(400, "", `{"detail":[{"msg":"x"}]}`)
	f.Add(500, "1e9", `{"error":"\ud800"}`)
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		header := http.Header{"Retry-After": {after}}
		for _, p := range catalog.All() {
			for _, effect := range []retry.Effect{retry.EffectIdempotent, retry.EffectCreate} {
				err := p.ReadError(effect, status, header, []byte(body))
				if (err == nil) != (status/100 == 2) {
					t.Fatalf("%s: status %d: %v", p.Name, status, err)
				}
				if err == nil {
					continue
				}
				e, ok := errors.AsType[*retry.Error](err)
				if !ok || e.Status != status {
					t.Fatalf("%s: status %d: %#v", p.Name, status, err)
				}
				if effect == retry.EffectIdempotent && e.Class == retry.Ambiguous {
					t.Fatalf("%s: a call that makes nothing is %v", p.Name, err)
				}
				unsure := retry.ClassOf(retry.HTTP(effect, status, header, []byte(body)))
				if unsure == retry.Ambiguous && e.Class != retry.Ambiguous && e.Class != retry.Blocked {
					t.Fatalf("%s: a creation that may have happened is %v", p.Name, err)
				}
				if e.RetryAfter < 0 || e.RetryAfter > retry.MaxRetryAfter || len(e.Error()) > 64<<10 {
					t.Fatalf("%s: %v", p.Name, err)
				}
			}
		}
	})
}

// A description is what the entry and the client say, and a table has all of
// it.
func TestDescriptionsAreCompared(t *testing.T) {
	var all []catalog.Description
	for _, p := range catalog.All() {
		d, err := p.Describe()
		if !p.HasClient() {
			if err == nil {
				t.Errorf("%s is described without a client", p.Name)
			}
			continue
		}
		client, failed := p.Connect("sk-marker", catalog.Config{})
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		limits := client.Limits("")
		if got := (sink.Enqueued{Tokens: d.EnqueuedTokens, Rows: d.EnqueuedRows, Batches: d.EnqueuedBatches}); got != limits.Enqueued {
			t.Errorf("%s: %+v, want %+v", p.Name, got, limits.Enqueued)
		}
		if d.Name != p.Name || d.Rows != limits.Rows || d.Bytes != limits.Bytes || d.WindowHours != limits.Window.Hours() || d.Tag != client.Info().Tags {
			t.Errorf("%s: %+v", p.Name, d)
		}
		all = append(all, d)
	}
	other := all[0]
	other.EnqueuedTokens, other.EnqueuedBatches = 90_000, 7
	other.Name, other.Rows, other.Bytes, other.Tag, other.Price = "other", 1_234_567, 2_000_000_000, sink.TagNone, "full"
	all = []catalog.Description{all[0], other}
	table, same, _ := strings.Cut(catalog.Table(all), "\n\n")
	for _, want := range []string{
		"| | openai | other |\n|---|---|---|\n", "| rows in a batch | 50,000 | 1,234,567 |", "| bytes in a batch | 200 MB | 2 GB |",
		"| enqueued by an account | learned from refusals | 90,000 tokens of a model, 7 batches |", "| price of a batch | half | full |", "| an unanswered creation is found by | its tag, in the metadata | size and time, and the ids of its rows |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in %s", want, table)
		}
	}
	if strings.Contains(table, "OPENAI_API_KEY") || !strings.HasPrefix(same, "The same for all: key: OPENAI_API_KEY; ") {
		t.Errorf("%s, and %s", table, same)
	}
}
