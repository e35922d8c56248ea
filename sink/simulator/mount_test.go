package simulator

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// pair opens a Simulator of two protocols until the test ends.
func pair(t *testing.T, cfg Config) *Simulator {
	t.Helper()
	s, err := newSimulator(cfg, two)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// askOpenAI sends a request in memory to OpenAI's protocol.
func askOpenAI(t *testing.T, s *Simulator, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer one")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const noInput = `{"input_file_id":"none","endpoint":"/v1/responses","completion_window":"24h"}`

func TestProtocolsAreUnderTheirNamesAndOneAtTheRoot(t *testing.T) {
	t.Parallel()
	s := pair(t, Config{Provider: "inline", Faults: []Fault{
		{Route: "POST /openai/v1/batches", Action: ActionFail, Status: 503},
		{Route: "GET /jobs/{id}", From: 2, Action: ActionFail, Status: 418, Code: "second"},
	}})
	if w := askOpenAI(t, s, "POST", "/openai/v1/batches", noInput); w.Code != 503 || !strings.Contains(w.Body.String(), `"error":{`) || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("a fault of OpenAI replies %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := askOpenAI(t, s, "POST", "/openai/v1/batches", noInput); w.Code != 200 {
		t.Errorf("OpenAI under its name: %d %s", w.Code, w.Body)
	}
	if w := askOpenAI(t, s, "GET", "/openai/v2/nothing", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "unknown_url") {
		t.Errorf("an unknown path of OpenAI: %d %s", w.Code, w.Body)
	}
	// A slash too many does not lead to another provider.
	if w := askOpenAI(t, s, "GET", "/openai//v1//batches", ""); w.Code != 200 || w.Header().Get("X-Request-Id") == "" {
		t.Errorf("slashes too many: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/v1/batches", "/inline", "/inline/v1/batches", "/openaix/v1/batches"} {
		if w := ask(s, "one", "POST", path, ""); w.Code != http.StatusTeapot {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(s, "one", "GET", "/jobs/x", ""); w.Code != http.StatusGone {
		t.Errorf("at the root: %d %s", w.Code, w.Body)
	}
	// The prefixed path of the protocol at the root is the same route.
	if w := ask(s, "one", "GET", "/inline/jobs/x", ""); w.Code != 418 || w.Header().Get("Trace") == "" {
		t.Errorf("below its name: %d %s", w.Code, w.Body)
	}
	var routes []string
	for r, err := range s.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, r.Route+" < "+r.Path)
	}
	if want := []string{
		"POST /openai/v1/batches < /openai/v1/batches", "POST /openai/v1/batches < /openai/v1/batches",
		"/openai/ < /openai/v2/nothing", "GET /openai/v1/batches < /openai//v1//batches", "/ < /v1/batches", "/ < /inline", "/ < /inline/v1/batches", "/ < /openaix/v1/batches",
		"GET /jobs/{id} < /jobs/x", "GET /jobs/{id} < /inline/jobs/x",
	}; !slices.Equal(routes, want) {
		t.Errorf("log %q\nwant %q", routes, want)
	}
}

func TestAVerbBelongsToTheRoute(t *testing.T) {
	t.Parallel()
	s := pair(t, Config{Provider: "inline", ResultsURL: "https://elsewhere.test/", Faults: []Fault{
		{Route: "GET /jobs/{id}:where", From: 3, Action: ActionFail, Status: 500},
	}})
	for path, want := range map[string]string{
		"/jobs/a:b:where":      "http://example.com/jobs/a:b https://elsewhere.test/jobs/a:b",
		"/inline/jobs/x:where": "http://example.com/inline/jobs/x https://elsewhere.test/inline/jobs/x",
	} {
		if w := ask(s, "one", "GET", path, ""); w.Body.String() != want {
			t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	if w := ask(s, "one", "GET", "/jobs/x:other", ""); w.Code != http.StatusGone {
		t.Errorf("an unknown verb is part of the id: %d", w.Code)
	}
	if w := ask(s, "one", "GET", "/jobs/x:where", ""); w.Code != 500 {
		t.Errorf("a fault by verb: %d", w.Code)
	}
}

func TestRecordsAreOfTheirProtocol(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := newSimulator(Config{Dir: dir, Provider: "inline"}, two)
	if err != nil {
		t.Fatal(err)
	}
	id := ask(s, "one", "POST", "/jobs", `{"rows":[]}`).Body.String()
	if w := askOpenAI(t, s, "GET", "/openai/v1/batches/"+id, ""); w.Code != 404 {
		t.Errorf("OpenAI shows the batch of another: %d", w.Code)
	}
	if got := s.Batches(); len(got) != 1 || got[0].Provider != "inline" {
		t.Errorf("%+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), `provider "inline"`) {
		t.Errorf("opened without the protocol: %v", err)
	}
	// A record of an earlier version names no protocol.
	path := filepath.Join(dir, "batches", id+".json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = []byte(strings.Replace(string(data), `"protocol":"inline",`, "", 1))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = New(Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if w := askOpenAI(t, s, "GET", "/v1/batches/"+id, ""); w.Code != 200 {
		t.Errorf("a record without a protocol is OpenAI's: %d", w.Code)
	}
}

func TestScopesOfAKeyDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	s := pair(t, Config{Provider: "inline", Accounts: map[string]string{"old": "acme", "new": "acme"}})
	within := func(key, scope, method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Key", key)
		r.Header.Set("Scope", scope)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	id := within("old", "w1", "POST", "/jobs", `{"rows":[]}`).Body.String()
	for _, c := range []struct {
		key, scope string
		seen       bool
	}{{"old", "w1", true}, {"new", "w1", true}, {"old", "", false}, {"old", "w2", false}, {"else", "w1", false}} {
		if w := within(c.key, c.scope, "GET", "/jobs/"+id, ""); (w.Code != http.StatusGone) != c.seen {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

func TestInlineRowsMayRunInOrder(t *testing.T) {
	t.Parallel()
	var rows, want []string
	for i := range 50 {
		key := string(rune('A'+i/26)) + string(rune('a'+i%26))
		text, line := "login", key+" account: login\n"
		if i%3 == 0 {
			text, line = "[[400]]", key+" failed 400\n"
		}
		rows, want = append(rows, `{"key":"`+key+`","ask":"`+text+`"}`), append(want, line)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulator(Config{Provider: "inline", Latency: Latency{Processing: time.Hour}}, two)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		body := `{"rows":[` + strings.Join(rows, ",") + `]}`
		id := ask(s, "one", "POST", "/jobs?ordered", body).Body.String()
		mixed := ask(s, "one", "POST", "/jobs", body).Body.String()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		got := slices.Collect(strings.Lines(ask(s, "one", "GET", "/jobs/"+id, "").Body.String()))
		if !slices.Equal(got, want) {
			t.Errorf("ordered: %q", got)
		}
		got = slices.Collect(strings.Lines(ask(s, "one", "GET", "/jobs/"+mixed, "").Body.String()))
		if slices.Equal(got, want) || len(got) != len(want) {
			t.Errorf("not ordered: %q", got)
		}
	})
}

// The rows of a batch that is cancelled at once are known, and none runs.
func TestACancelledInlineBatchHasAllItsRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulator(Config{Provider: "inline", Latency: Latency{Validation: time.Hour}}, two)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		id := ask(s, "one", "POST", "/jobs?ordered", `{"rows":[{"key":"a","ask":"x"},{"key":"b","ask":"x"}]}`).Body.String()
		time.Sleep(time.Minute)
		ask(s, "one", "POST", "/jobs/"+id+":stop", "")
		synctest.Wait()
		if got := ask(s, "one", "GET", "/jobs/"+id, "").Body.String(); got != "a expired false\nb expired false\n" {
			t.Errorf("results %q", got)
		}
		for e, err := range s.Executions() {
			t.Errorf("a row ran: %+v, %v", e, err)
		}
		if b := s.Batches()[0]; b.Status != protocol.Cancelled || b.Rows != 2 {
			t.Errorf("%+v", b)
		}
	})
}

func TestOnlyABatchThatCanFailIsInvalid(t *testing.T) {
	t.Parallel()
	sure := map[string]protocol.Protocol{"sure": neverFails{}, "openai": protocols["openai"]}
	_, err := newSimulator(Config{Faults: []Fault{{Route: "POST /sure/jobs", Action: ActionInvalid}}}, sure)
	if err == nil || !strings.Contains(err.Error(), `must be "POST /v1/batches" for`) {
		t.Error(err)
	}
	s, err := newSimulator(Config{Provider: "sure", Limits: Limits{EnqueuedTokens: 1}}, sure)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	id := ask(s, "one", "POST", "/jobs", `{"rows":[{"key":"a","ask":"x"}]}`).Body.String()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for ; s.Batches()[0].Status != protocol.Completed; <-ticker.C {
		if s.Batches()[0].Status == protocol.Failed {
			t.Fatalf("%s failed", id)
		}
	}
}

// neverFails is inline as a protocol whose batches never fail.
type neverFails struct{ inline }

func (neverFails) Info() protocol.Info { return protocol.Info{NeverFails: true} }

// The input of a batch is freed when it ends, its results when it is deleted,
// and the ledger stays.
func TestDeletingABatchDeletesWhatIsHidden(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := newSimulator(Config{Dir: t.TempDir(), Provider: "inline", Latency: Latency{Processing: time.Hour}}, two)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		contents := func() int {
			names, err := os.ReadDir(filepath.Join(s.dir, contentDir))
			if err != nil {
				t.Fatal(err)
			}
			return len(names)
		}
		create := func() string {
			return ask(s, "one", "POST", "/jobs", `{"rows":[{"key":"a","ask":"x"}]}`).Body.String()
		}
		ended := create()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := contents(); n != 1 {
			t.Errorf("%d files after the end, want the results alone", n)
		}
		ask(s, "one", "DELETE", "/jobs/"+ended, "")
		if w := ask(s, "one", "GET", "/jobs/"+ended, ""); w.Code != http.StatusGone || contents() != 0 {
			t.Errorf("after it was deleted: %d, %d files", w.Code, contents())
		}
		running := create()
		synctest.Wait()
		ask(s, "one", "DELETE", "/jobs/"+running, "")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := contents(); n != 0 {
			t.Errorf("%d files of a batch that was deleted before it ended", n)
		}
		ran := 0
		for e, err := range s.Executions() {
			if ran++; err != nil || e.Provider != "inline" || e.CustomID != "a" {
				t.Errorf("ledger: %+v, %v", e, err)
			}
		}
		if b := s.Batches(); ran != 2 || len(b) != 2 || !b[0].Deleted {
			t.Errorf("%d rows in the ledger, batches %+v", ran, b)
		}
	})
}

func TestContentIsReceivedInParts(t *testing.T) {
	t.Parallel()
	s := pair(t, Config{})
	p, err := s.root.Session(httptest.NewRequestWithContext(t.Context(), "GET", "/", http.NoBody), "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ReceiveAt("f", 0, strings.NewReader("x")); err == nil {
		t.Error("continued what was not begun")
	}
	if n, err := p.Receive("f", strings.NewReader("one ")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := p.ReceiveAt("f", 3, strings.NewReader("x")); n != 4 || err != nil {
		t.Errorf("at a wrong offset: %d, %v", n, err)
	}
	if n, err := p.ReceiveAt("f", 4, strings.NewReader("two")); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	f, err := p.AddFile(protocol.File{Identity: protocol.Identity{ID: "f"}, Hidden: true})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.contentPath(f.ID))
	if string(data) != "one two" || err != nil {
		t.Errorf("%s, %v", data, err)
	}
	if _, found := p.File("f"); !found || len(p.Files()) != 0 {
		t.Error("a hidden file is found by its id only")
	}
}
