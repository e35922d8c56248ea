package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	routesRows  = flag.Int("routes.rows", 400, "rows of the test of three accounts at three providers")
	routesKills = flag.Int("routes.kills", 4, "how often that test kills the client")
)

// byGenre are rows of three genres.
func byGenre(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"id":"t-%d","text":"ticket number %d","genre":%q}`, i, i, []string{"legal", "bills", "chat"}[i%3]))
	}
	return lines
}

// routeTo is the flag of a route at a provider that the simulator plays.
func routeTo(server *simulator.Server, name, provider string) string {
	return fmt.Sprintf("%s=%s/%s,base-url=%s", name, provider, modelOf(provider), server.BaseURL(provider))
}

// Rows take the route of their genre, and results, status and archive tell.
func TestRoutesByGenre(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", byGenre(90)...)
	args := append([]string{
		"in.jsonl", "--prompt", "{{.text}}", "--route-field", "genre",
		"--route", routeTo(server, "law", "anthropic"), "--route", routeTo(server, "mini", "openai") + ",retries=1,batches=2,window=4h,enqueued-rows=500", "--route", routeTo(server, "live", "mistral") + ",live,timeout=90s",
		"--route-map", "legal=law,chat=live,*=mini",
	}, fast...)
	plan := runCommand(t, dir, nil, append([]string{"plan"}, args...)...)
	for _, want := range []string{"rows 90", "route law anthropic, claude-x", "100,000 rows in a batch", "MISTRAL_API_KEY, which is not set", "row by row", "is sent a row 2 times at most", "has 2 batches open at a time", "cancels a batch after 4h0m0s", `the route of its "genre": legal=law, chat=live, *=mini`} {
		if plan.code != exitOK || !strings.Contains(strings.Join(strings.Fields(plan.stdout), " "), want) {
			t.Errorf("without %q: %+v", want, plan)
		}
	}
	preview := runCommand(t, dir, nil, append([]string{"preview", "--rows", "2"}, args...)...)
	first, _, _ := strings.Cut(preview.stdout, "\n")
	var row previewed
	if err := json.Unmarshal([]byte(first), &row); err != nil || row.ID != "t-0" || row.Route != "law" || row.Endpoint != "/v1/messages" || !strings.Contains(string(row.Body), "ticket number 0") {
		t.Errorf("%v: %+v", err, preview)
	}
	if n := strings.Count(preview.stdout, "\n"); n != 2 {
		t.Errorf("%d rows are shown", n)
	}
	if len(server.Batches()) > 0 {
		t.Error("a plan has bought something")
	}
	if r := runCommand(t, dir, withKey, append([]string{"run", "--out", "out.jsonl"}, args...)...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	wantRoutes := map[string]int{"law": 30, "mini": 30, "live": 30}
	got := make(map[string]int)
	for _, r := range readResults(t, filepath.Join(dir, "out.jsonl")) {
		got[r.Route]++
	}
	if diff := cmp.Diff(wantRoutes, got); diff != "" {
		t.Error(diff)
	}
	archived := mustCommand(t, dir, "results", "in")
	for name := range wantRoutes {
		if n := strings.Count(archived.stdout, fmt.Sprintf(`"route":%q`, name)); n != 30 || strings.Contains(archived.stdout, `"text":""`) {
			t.Errorf("the archive has %d results of %s", n, name)
		}
	}
}

func TestRoutesAreChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	const mini = "mini=openai/gpt-x"
	for want, args := range map[string][]string{
		"NAME=PROVIDER/MODEL":         {"--route", "gpt-x"},
		`did you mean openai?`:        {"--route", "opnai/gpt-x"},
		`no option "wieght"`:          {"--route", mini + ",wieght=3"},
		"whole number above 0":        {"--route", mini + ",weight=0"},
		"whole number from 0 to 254":  {"--route", mini + ",retries=255"},
		"--retries is 255: must be 0": {"--route", mini, "--retries", "255"},
		"add the option live":         {"--route", mini + ",rpm=3"},
		"parallel, timeout, rpm and":  {"--route", mini + ",timeout=3s"},
		"window: must be a duration":  {"--route", mini + ",window=0"},
		"batches: must be a whole":    {"--route", mini + ",batches=0"},
		"enqueued-tokens: must be":    {"--route", mini + ",enqueued-tokens=many"},
		"the route is live":           {"--route", mini + ",live,enqueued-rows=3"},
		"for a run without --route":   {"--route", mini, "--enqueued-rows", "3"},
		"is for --choose weighted":    {"--route", mini + ",weight=3"},
		"is for --choose cheapest":    {"--route", mini + ",price=3"},
		"within: must be a duration":  {"--route", mini + ",within=soon"},
		"name the --deadline-field":   {"--route", mini, "--route", "now=openai/gpt-x,live,within=1h"},
		"number that is not negative": {"--route", mini + ",price=NaN", "--choose", "cheapest"},
		`another route is called`:     {"--route", mini, "--route", mini},
		"--provider or --model":       {"--route", mini, "--model", "gpt-x"},
		"--choose is \"best\"":        {"--route", mini, "--choose", "best"},
		"go together":                 {"--route", mini, "--route-field", "genre"},
		`there is no route "large"`:   {"--route", mini, "--route-field", "genre", "--route-map", "a=large"},
		"each says which":             {"--route", mini, "--route-field", "genre", "--route-map", "a=mini", "--choose", "first"},
		"--fallback is \"sometimes\"": {"--route", mini, "--fallback", "sometimes"},
		"give a --route for each":     {"--choose", "first"},
		"give each --route its own":   {"--route", mini, "--route", "law=anthropic/claude-x", "--base-url", "http://127.0.0.1:1"},
		"for several routes":          {"--route", mini, "--choose", "all"},
		"none instead of another":     {"--route", mini, "--route", "law=anthropic/claude-x", "--choose", "all", "--fallback", "failed"},
		"options least and within":    {"--route", mini + ",least=3", "--route", "law=anthropic/claude-x", "--choose", "all"},
		"between id and route":        {"--route", "a@b=openai/gpt-x", "--route", "law=anthropic/claude-x", "--choose", "all"},
		"OPENAI_API_KEY is not set":   {"--route", mini},
		"NO_SUCH_VARIABLE is not set": {"--route", mini + ",key=NO_SUCH_VARIABLE"},
		"lacks --out":                 nil,
	} {
		all := append([]string{"run", "in.jsonl", "--prompt", "{{.text}}"}, args...)
		if args != nil {
			all = append(all, "--out", "o")
		}
		r := runCommand(t, dir, nil, all...)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%v: want %q: %+v", args, want, r)
		}
	}
}

// A plan says what happens near a deadline, and a margin that cannot be kept is
// refused before anything is bought.
func TestARouteForRowsNearTheirDeadline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", `{"id":"a","text":"x","due":"2030-01-01"}`)
	args := []string{"plan", "in.jsonl", "--prompt", "{{.text}}", "--deadline-field", "due", "--route", "mini=openai/gpt-x", "--route"}
	plan := runCommand(t, dir, nil, append(args, "now=openai/gpt-x,live,within=90m")...)
	if want := "batches with rows that have less than 1h30m0s left are cancelled for it"; plan.code != exitOK || !strings.Contains(plan.stdout, want) {
		t.Errorf("without %q: %+v", want, plan)
	}
	plan = runCommand(t, dir, nil, append(args, "now=openai/gpt-x,live,within=1m")...)
	if plan.code != exitUsage || !strings.Contains(plan.stderr, "must be at least 11m0s") {
		t.Errorf("too short: %+v", plan)
	}
}

// The version of one provider's API is no trouble for the others of a run.
func TestRoutesWithAVersion(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(10)...)
	args := append(slices.Concat([]string{"run", "in.jsonl"}, fast), "--out", "out.jsonl", "--dead-letters", "dead.jsonl", "--prompt", "{{.text}}",
		"--route", routeTo(server, "mini", "openai"), "--route", routeTo(server, "law", "anthropic"), "--choose", "round-robin", "--api-version", "2023-06-01")
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	r := mustCommand(t, dir, "results", "in")
	if n := strings.Count(r.stdout, `"status":"succeeded"`); n != 10 || strings.Contains(r.stdout, `"text":""`) {
		t.Errorf("%d results: %+v", n, r)
	}
	mustCommand(t, dir, "export", "in", "--dir", "export")
}

// What is wrong with a row that is shown is told once, with its line.
func TestAPreviewNamesTheLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", append(tickets(30), `{"id":"x",`)...)
	r := runCommand(t, dir, nil, "preview", "in.jsonl", "--model", "gpt-x", "--prompt", "{{.text}}", "--rows", "40")
	if r.code != exitUsage || strings.Count(r.stdout, "\n") != 30 || strings.Count(r.stderr, "in.jsonl:") != 1 || !strings.Contains(r.stderr, "in.jsonl:31") {
		t.Errorf("%+v", r)
	}
}

// A template for --where that cannot select is refused in its own words.
func TestWhereSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	for text, want := range map[string]string{
		"true":                           "--where uses no field",
		`{{if eq .text "x"}}true{{end}}`: "--where prints nothing for this row",
	} {
		r := runCommand(t, dir, nil, "plan", "in.jsonl", "--model", "gpt-x", "--prompt", "{{.text}}", "--where", text)
		if r.code != exitUsage || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "--prompt") {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

// A key that is given where its variable belongs is in no output.
func TestAKeyInARouteIsNotShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(1)...)
	for _, key := range []string{"sk-secret", "secretSECRET123", "secret,weight=0"} {
		for _, verb := range []string{"run", "plan", "preview"} {
			r := runCommand(t, dir, nil, verb, "in.jsonl", "--out", "o", "--prompt", "{{.text}}", "--route", "m=openai/gpt-x,key="+key)
			if r.code != exitUsage || !strings.Contains(r.stderr, "not the key") || strings.Contains(r.stdout+r.stderr, "secret") {
				t.Errorf("%s: %+v", verb, r)
			}
		}
	}
}

// patient is a model at three providers: one fails most rows, for good.
type patient struct {
	mu     sync.Mutex
	failed map[string]bool // texts that the bad one was asked
	flash  int             // rows that the one answered whose quota will be used up
}

func (p *patient) answer(r simulator.Row) simulator.Reply {
	text := r.Prompt()
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Model == modelOf("gemini") {
		p.flash++
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	if r.Model != modelOf("anthropic") || h.Sum32()%10 >= 6 {
		return simulator.Reply{Text: "fine"}
	}
	p.failed[text] = true
	return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "invalid_request_error", Message: "no"}}
}

func (p *patient) answeredByFlash() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flash
}

// Three accounts at three providers: one is out of quota in the middle, one
// fails 60 % of its rows, and one is healthy. The client is killed again and
// again. Every row has one result, none is paid for twice, and each result says
// which routes have failed its row.
func TestThreeAccountsAtThreeProviders(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	p := &patient{failed: make(map[string]bool)}
	server, dir := startSimulator(t, simulator.Config{Answer: p.answer, Latency: simulator.Latency{Processing: 500 * time.Millisecond}}), t.TempDir()
	writeFile(t, dir, "in.jsonl", byGenre(*routesRows)...)
	var env []string // an account of its own at each
	for _, c := range withClient() {
		env = append(env, c.Keys[0]+"="+c.Name+"-key")
	}
	args := append(slices.Concat([]string{"run", "in.jsonl"}, fast),
		"--out", "out.jsonl", "--prompt", "{{.text}}", "--route-field", "genre", "--fallback", "failed",
		"--route", routeTo(server, "law", "anthropic"), "--route", routeTo(server, "mini", "openai"), "--route", routeTo(server, "flash", "gemini"),
		"--route-map", "legal=law,chat=flash,*=mini", "--batch-size", fmt.Sprint(*routesRows/40), "--max-in-flight", "6",
	)
	killed, blocked := 0, false
	for (killed < *routesKills || !blocked) && endSomehow(t, dir, env, 200*time.Millisecond+rand.N(400*time.Millisecond), killed%3 == 2, args) {
		if killed++; !blocked && p.answeredByFlash() > *routesRows/50 {
			server.SetBlocked(simulator.Block{Account: "gemini-key"})
			blocked = true
		}
	}
	r := runCommand(t, dir, env, args...)
	if r.code != exitOK || killed < *routesKills || !blocked {
		t.Fatalf("after %d kills, blocked %t: %+v", killed, blocked, r)
	}
	results := readResults(t, filepath.Join(dir, "out.jsonl"))
	if len(results) != *routesRows {
		t.Errorf("%d results", len(results))
	}
	routes, tried := make(map[string]int), 0
	for id, r := range results {
		routes[r.Route]++
		text := "ticket number " + strings.TrimPrefix(id, "t-")
		byLaw := slices.Contains(r.Tried, durable.Tried{Route: "law", Code: "invalid_request_error"})
		if byLaw != p.failed[text] || r.Error != nil || byLaw && r.Route == "law" || len(r.Tried) > 1 {
			t.Errorf("%s: route %s, tried %v, error %v; failed at law: %t", id, r.Route, r.Tried, r.Error, p.failed[text])
		}
		if byLaw {
			tried++
		}
	}
	wantExecutedOnce(t, server.URL, *routesRows)
	t.Logf("results by route: %v, %d kills, %d rows went on from law", routes, killed, tried)
	if tried == 0 || routes["flash"] == 0 || routes["law"] == 0 {
		t.Errorf("results by route: %v, %d rows went on", routes, tried)
	}
}
