package catalog_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

// risks are what each client has to be proof against. A check returns why it
// says nothing about a provider, "" if it does.
var risks = []struct {
	name  string
	check func(*testing.T, *catalog.Provider) (skipped string)
}{
	{"the key is in no print of the client or its configuration", keyIsNotPrinted},
	{"a redirect is not followed", redirectIsNotFollowed},
	{"the key, control characters and long texts are in no error", errorsAreFit},
	{"the base URL is https, of this machine, or allowed by name", baseURLIsSafe},
	{"addresses of metadata are refused", metadataIsRefused},
	{"a certificate that is not trusted is refused", certificateIsChecked},
	{"addresses in replies get no key", foreignAddressesGetNoKey},
	{"ids of the provider do not leave the base URL", idsDoNotEscape},
	{"a reply without an end is cut off", endlessReplyIsCut},
	{"a reply that decompresses beyond measure is cut off", bombIsDefused},
	{"the key is in nothing that a run stores, delivers or logs", keyIsNotKept},
}

// TestSecurity checks each risk with each provider of the catalog.
func TestSecurity(t *testing.T) {
	var ran, skipped atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d cells of risk and provider: %d checked, %d skipped", ran.Load()+skipped.Load(), ran.Load(), skipped.Load())
	})
	for _, p := range catalog.All() {
		for _, risk := range risks {
			t.Run(p.Name+"/"+risk.name, func(t *testing.T) {
				t.Parallel()
				reason := played(&p)
				if reason == "" {
					reason = risk.check(t, &p)
				}
				if reason != "" {
					skipped.Add(1)
					t.Skip(reason)
				}
				ran.Add(1)
			})
		}
	}
}

// wantNoSecret fails if the key is in a text, as it is or with its special
// characters escaped.
func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, part := range []string{secret, "456789=abcdef", "456789%3Dabcdef", "456789&#61;"} {
		if i := strings.Index(text, part); i >= 0 {
			t.Errorf("the key is in %s: %q", where, text[max(i-100, 0):min(i+100, len(text))])
		}
	}
}

func keyIsNotPrinted(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	cfg := catalog.Config{BaseURL: "http://127.0.0.1:1"}
	client := connect(t, p, cfg.BaseURL)
	value := reflect.ValueOf(client).Elem().Interface()
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("client", "pointer", client, "value", value, "config", cfg, "group", slog.GroupValue(slog.Any("c", client)))
	}
	encoded, err := json.Marshal(map[string]any{"client": client, "config": cfg, "info": client.Info().Account})
	if err != nil {
		encoded = []byte(err.Error())
	}
	wantNoSecret(t, "a print", fmt.Sprintf("%v %+v %#v %s %v %+v %#v", client, client, client, client, value, value, value))
	wantNoSecret(t, "a print of its parts", fmt.Sprintf("%+v %#v %+v %+v", cfg, cfg, client.Info(), *p))
	wantNoSecret(t, "a log", log.String())
	wantNoSecret(t, "JSON", string(encoded))
	return ""
}

// eachRequest lets one request after the other of a client's life get an
// answer, and then all of them. They are numbered from 1.
func eachRequest(t *testing.T, p *catalog.Provider, answer http.HandlerFunc, check func(n int, calls []call)) {
	t.Helper()
	g := newGateway(t, p, simulator.Config{})
	client := g.connect(p)
	for _, c := range live(t, p, client, g.sim) {
		if c.err != nil {
			t.Fatalf("%s fails by itself: %v", c.name, c.err)
		}
	}
	total := g.requests()
	if total < 5 {
		t.Fatalf("there are %d requests in a life", total)
	}
	for n := 1; n <= total; n++ {
		g.set(n, answer)
		calls := live(t, p, client, g.sim)
		g.set(0, nil)
		check(n, calls)
	}
	everyRequest(t, p, answer, check)
}

// everyRequest lets all requests of a life get an answer. Its number is -1.
func everyRequest(t *testing.T, p *catalog.Provider, answer http.HandlerFunc, check func(n int, calls []call)) {
	t.Helper()
	g := newGateway(t, p, simulator.Config{})
	g.set(-1, answer)
	check(-1, live(t, p, g.connect(p), nil))
}

// failed returns the errors of calls, and fails if there is none.
func failed(t *testing.T, n int, calls []call) (errs []error) {
	t.Helper()
	for _, c := range calls {
		if c.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, c.err))
		}
	}
	if n < 0 && len(errs) < 5 {
		t.Errorf("of all calls that are answered badly, only these fail: %v", errs)
	}
	return errs
}

func redirectIsNotFollowed(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	var reached atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(other.Close)
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+r.URL.Path, status) }
	}
	check := func(n int, calls []call) { failed(t, n, calls) }
	eachRequest(t, p, redirect(http.StatusTemporaryRedirect), check)
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusPermanentRedirect} {
		everyRequest(t, p, redirect(status), check)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests went to the other host", n)
	}
	return ""
}

// errorsAreFit lets the server echo all headers in replies of many kinds.
func errorsAreFit(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	long := strings.Repeat("prompt ", 100_000)
	replies := []struct {
		status int
		format string
	}{
		{401, `{"error":{"message":"you sent %s","type":"x","code":"invalid_api_key","status":"UNAUTHENTICATED"}}`},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"%s \u001b[2J \u009b1m \u202e %[1]s"},"request_id":"%[1]s"}`},
		{422, `{"object":"error","message":"%s","type":"\u001b[2J%[1]s","detail":[{"loc":["%[1]s"],"msg":"%[1]s","type":"%[1]s"}]}`},
		{502, "<html>%s\x1b[2J</html>"},
		{429, `{"error":{"code":429,"message":"%s ` + long + `","details":[{"@type":"x","retryDelay":"%[1]s"}]}}`},
		{200, `%s` + long},
		{200, `{"id":7,"error":"%s`},
	}
	var turn atomic.Int64
	answer := func(w http.ResponseWriter, r *http.Request) {
		reply := replies[int(turn.Add(1))%len(replies)]
		w.Header().Set("X-Request-Id", credentialsOf(r))
		w.WriteHeader(reply.status)
		_, _ = fmt.Fprintf(w, reply.format, credentialsOf(r))
	}
	check := func(n int, calls []call) {
		for _, err := range failed(t, n, calls) {
			wantFit(t, err)
		}
	}
	eachRequest(t, p, answer, check)
	for i := range replies { // each call gets each of them
		turn.Store(int64(i))
		everyRequest(t, p, answer, check)
	}
	return ""
}

// credentialsOf is the key as it came.
func credentialsOf(r *http.Request) string {
	for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
		if value := r.Header.Get(name); value != "" {
			return value
		}
	}
	return ""
}

// wantFit fails unless an error, and all that it wraps, can be printed.
func wantFit(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 20_000 || strings.ContainsAny(text, "\x1b\u009b\u202e\n") {
		t.Errorf("error of %d bytes: %.300q", len(text), text)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		wantNoSecret(t, "an error", fmt.Sprintf("%v %+v %#v", e, e, e))
	}
}

func baseURLIsSafe(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	for base, want := range map[string]string{
		"http://api.example.com/v1":     "must be https",
		"http://localhost.evil.test":    "must be https",
		"ftp://127.0.0.1/v1":            "must be https",
		"https://u:sk-canary@host":      "credentials",
		"https://host/v1?key=" + secret: "query",
		"https://host/v1#" + secret:     "fragment",
		secret:                          "",
	} {
		_, err := p.Connect(secret, catalog.Config{BaseURL: base, AllowHTTP: []string{"vllm.internal"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", base, err)
		}
		if err != nil {
			wantNoSecret(t, "an error", strings.ReplaceAll(err.Error(), "sk-canary", secret))
		}
	}
	for _, base := range []string{"", "https://host/v1", "http://127.0.0.1:8080", "http://[::1]:8080/v1", "http://vllm.internal:8000/v1"} {
		if _, err := p.Connect(secret, catalog.Config{BaseURL: base, AllowHTTP: []string{"vllm.internal"}}); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	return ""
}

func metadataIsRefused(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200", "[fd00:ec2::254]"} {
		for _, err := range failed(t, -1, live(t, p, connect(t, p, "https://"+host+"/v1"), nil)) {
			if !strings.Contains(err.Error(), "refused") || retry.ClassOf(err) == retry.Ambiguous {
				t.Errorf("%s: %s: %v", host, retry.ClassOf(err), err)
			}
		}
	}
	return ""
}

func certificateIsChecked(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	var reached atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // which says that clients have turned away
	server.StartTLS()
	t.Cleanup(server.Close)
	failed(t, -1, live(t, p, connect(t, p, server.URL), nil))
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached a server that nobody vouches for", n)
	}
	return ""
}

// foreignAddressesGetNoKey replaces the address of the server in all that it
// says by that of another one.
func foreignAddressesGetNoKey(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	var keys, named atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, _ := io.ReadAll(r.Body)
		if strings.Contains(fmt.Sprint(r.Header, r.URL, string(all)), secret) {
			keys.Add(1)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(other.Close)
	g := newGateway(t, p, simulator.Config{})
	g.rewrite = func(h http.Header, body []byte) []byte {
		for name := range h {
			if value := h.Get(name); strings.Contains(value, g.url) {
				named.Add(1)
				h.Set(name, strings.ReplaceAll(value, g.url, other.URL))
			}
		}
		named.Add(int64(bytes.Count(body, []byte(g.url))))
		return bytes.ReplaceAll(body, []byte(g.url), []byte(other.URL))
	}
	live(t, p, g.connect(p), g.sim)
	if n := keys.Load(); n != 0 {
		t.Errorf("the key went to another host %d times", n)
	}
	if named.Load() == 0 {
		return "its replies name no address"
	}
	return ""
}

// idsDoNotEscape gives calls ids as nobody should hand them out.
func idsDoNotEscape(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	var mu sync.Mutex
	seen := 0
	g := newGateway(t, p, simulator.Config{})
	g.set(-1, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen++
		if clean := path.Clean(r.URL.EscapedPath()); !strings.HasPrefix(clean, g.base+"/") || strings.Contains(r.URL.RawQuery, "evil") {
			t.Errorf("a request goes to %s", r.URL)
		}
		w.WriteHeader(http.StatusNotFound)
	})
	client := g.connect(p)
	for _, id := range []string{"../../../evil?evil=1#evil", "../../../evil", "a?evil=1", "%2e%2e/%2e%2e/%2e%2e/evil", "a\nHost: evil", "//evil/x", "http://evil/x"} {
		h := sink.Handle{Batch: id, File: id}
		_, _ = client.Status(t.Context(), h)
		_ = drain(client.Results(t.Context(), h))
		_ = client.Cancel(t.Context(), h)
		_ = client.Remove(t.Context(), h)
		_ = client.Remove(t.Context(), sink.Handle{File: id})
		_, _ = client.Create(t.Context(), sink.Spec{Tag: "t", Endpoint: p.Codec.Endpoint(), Model: id}, "file", twoRows("t", []byte("{}")))
	}
	if seen == 0 {
		return "it refuses such ids"
	}
	return ""
}

// endlessReplyIsCut lets each call have a reply that does not end, from memory.
func endlessReplyIsCut(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	if testing.Short() {
		return "it reads a hundred megabytes"
	}
	client, err := p.Connect(secret, catalog.Config{
		Calls: sink.EvenCalls(1_000_000), Retry: retry.Policy{MaxAttempts: 1},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, orEmpty(r.Body))
			return &http.Response{
				StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(&endless{}), Request: r,
			}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Status(t.Context(), sink.Handle{Batch: "batch", File: "file"})
	_, unsure := client.Create(t.Context(), sink.Spec{Tag: "t", Endpoint: p.Codec.Endpoint(), Model: "m"}, "file", twoRows("t", []byte("{}")))
	for _, err := range []error{client.Check(t.Context()), err, unsure} {
		if err == nil || !strings.Contains(err.Error(), "larger than it may be") {
			t.Error(err)
		}
	}
	if retry.ClassOf(unsure) != retry.Ambiguous {
		t.Errorf("a creation whose reply cannot be read: %v", unsure)
	}
	return ""
}

func orEmpty(body io.ReadCloser) io.Reader {
	if body == nil {
		return http.NoBody
	}
	return body
}

// endless is a text in JSON that has no end, but for this test.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	const begin = `{"id":"`
	n := 0
	if e.n == 0 {
		n = copy(p, begin)
	}
	for i := n; i < len(p); i++ {
		p[i] = 'x'
	}
	if e.n += len(p); e.n > 1<<30 {
		return 0, errors.New("a client reads on and on")
	}
	return len(p), nil
}

func bombIsDefused(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = zip.Write(append([]byte(`{"id":"`), bytes.Repeat([]byte("x"), 4<<20)...))
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	eachRequest(t, p, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}, func(n int, calls []call) {
		if err := errors.Join(failed(t, n, calls)...); err == nil || !strings.Contains(err.Error(), "larger than it may be") {
			t.Errorf("request %d: %v", n, err)
		}
	})
	return ""
}
