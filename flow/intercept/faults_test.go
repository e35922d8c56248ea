package intercept_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/sink/simulator"
)

// callers are calls to each provider, as its SDK makes them.
var callers = map[string]struct {
	url, body string
	header    []string
	inError   string // member of an error that says its type
}{
	"openai": {chats, `{"model":"gpt-test","messages":[{"role":"user","content":"ticket"}]}`, nil, "code"},
	"openai, streamed": {
		chats, `{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"ticket"}]}`, nil, "code",
	},
	"anthropic": {
		"http://127.0.0.1/anthropic/v1/messages", `{"model":"claude-haiku-5.5","max_tokens":50,"messages":[{"role":"user","content":"ticket"}]}`,
		[]string{"Anthropic-Version", "2023-06-01", "X-Api-Key", "sk-ant"},
		"type",
	},
	"gemini": {
		"http://127.0.0.1/gemini/v1beta/models/gemini-3-flash:generateContent", `{"contents":[{"role":"user","parts":[{"text":"ticket"}]}]}`,
		[]string{"X-Goog-Api-Key", "g-key"},
		"status",
	},
}

// typeOf returns the type of an error in the form of a provider.
func typeOf(t *testing.T, body, member string) string {
	t.Helper()
	var of struct{ Error map[string]any }
	if err := json.Unmarshal([]byte(body), &of); err != nil || of.Error["message"] == nil {
		t.Errorf("the body is no error of the provider: %s, %v", body, err)
		return ""
	}
	text, _ := of.Error[member].(string)
	return text
}

// untilAnswered lets the day pass that a batch may take, again and again, until
// a call is answered.
func untilAnswered(t *testing.T, server *simulator.Server, pause time.Duration, answered <-chan reply) reply {
	t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case got := <-answered:
			return got
		case <-tick.C:
			if err := server.Advance(25 * time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A call whose batches expire, as often as they may be sent, gets an error that
// its SDK takes for a timeout of the server. Gemini does not say why such a row
// has no answer.
func TestABatchThatExpiresIsATimeout(t *testing.T) {
	t.Parallel()
	types := map[string]string{"openai": "expired", "openai, streamed": "expired", "anthropic": "timeout_error", "gemini": "UNAVAILABLE"}
	for name, c := range callers {
		inWorld(t, simulator.Config{Latency: simulator.Latency{Processing: 10_000 * time.Hour}}, func(w *world) {
			i := w.begin()
			defer w.close(i)
			answered := make(chan reply, 1)
			go func() { answered <- post(w.Context(), i, c.url, c.body, c.header...) }()
			got := untilAnswered(w.T, w.server, 10*time.Minute, answered)
			if got.err != nil || got.status != http.StatusGatewayTimeout && name != "gemini" || got.status < 500 || !strings.Contains(typeOf(w.T, got.body, c.inError), types[name]) {
				w.Errorf("%s: %+v", name, got)
			}
			w.wantBought(0, len(w.server.Batches()))
		})
	}
}

// An account without quota is told so in the words of its provider, and not to
// come again by itself. What was bought before is delivered.
func TestAQuotaThatIsUsedUpIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range callers {
		inWorld(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, func(w *world) {
			i := w.begin()
			defer w.close(i)
			bought := make(chan reply)
			go func() { bought <- post(w.Context(), i, c.url, c.body, c.header...) }()
			time.Sleep(10 * time.Minute)
			w.server.SetBlocked(simulator.Block{})
			got := post(w.Context(), i, c.url, strings.Replace(c.body, "ticket", "another", 1), c.header...)
			if got.err != nil || got.status < 400 || got.status >= 500 || got.header.Get("X-Should-Retry") != "false" || typeOf(w.T, got.body, c.inError) == "" {
				w.Errorf("%s: %+v", name, got)
			}
			if got := <-bought; got.err != nil || got.status != http.StatusOK || !strings.Contains(got.body, "ticket") {
				w.Errorf("%s, bought before: %+v", name, got)
			}
		})
	}
}

// An answer that is none, or not the one that was expected, is passed on or
// becomes an error. It ends no program.
func TestAnAnswerThatIsMalformedEndsNothing(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{}`, `[]`, `null`, `""`, `1`, `{"choices":[]}`, `{"choices":null}`, `{"choices":[{}]}`, `{"choices":[{"message":null}]}`, `{"choices":{"a":1}}`,
		`{"content":[]}`, `{"content":null,"usage":null}`, `{"content":"text"}`, `{"candidates":[]}`, `{"candidates":[{"content":{}}]}`, `{"error":null}`, `{"usage":[]}`,
	} {
		for name, c := range callers {
			broken := func(simulator.Row) simulator.Reply { return simulator.Reply{Body: []byte(answer)} }
			inWorld(t, simulator.Config{Answer: broken}, func(w *world) {
				i := w.begin()
				defer w.close(i)
				got := post(w.Context(), i, c.url, c.body, c.header...)
				if got.err != nil || got.status < 200 || got.status == http.StatusOK && name != "openai, streamed" && !json.Valid([]byte(got.body)) {
					w.Errorf("%s to %s: %+v", answer, name, got)
				}
				if got.status >= 400 {
					typeOf(w.T, got.body, c.inError)
				}
			})
		}
	}
}

// A row that fails has the status and the code of its provider, also if nothing
// but waiting, or nobody but its owner, can mend that.
func TestARowThatFailsKeepsItsStatus(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{"insufficient_quota": 429, "rate_limit_exceeded": 429, "server_error": 500, "invalid_api_key": 401, "content_policy_violation": 400} {
		failing := func(simulator.Row) simulator.Reply {
			return simulator.Reply{Error: &simulator.RowError{Status: status, Code: code, Message: "the provider says no"}}
		}
		inWorld(t, simulator.Config{Answer: failing}, func(w *world) {
			i := w.begin()
			defer w.close(i)
			for _, caller := range []string{"openai", "openai, streamed"} {
				c := callers[caller]
				got := post(w.Context(), i, c.url, c.body)
				if got.err != nil || got.status != status || typeOf(w.T, got.body, "code") != code || !strings.Contains(got.body, "the provider says no") {
					w.Errorf("%s, %s: %+v", code, caller, got)
				}
			}
		})
	}
}

// A proxy tells programs the same: an expired batch is a timeout, and a quota
// that is used up is not worth a repetition.
func TestAProxyTellsWhatWentWrong(t *testing.T) {
	t.Parallel()
	server, url := startProxy(t, simulator.Config{Latency: simulator.Latency{Processing: 10_000 * time.Hour}}, intercept.HandlerConfig{})
	answered := make(chan reply, 1)
	go func() { answered <- post(t.Context(), http.DefaultTransport, url+"/v1/chat/completions", chat("late")) }()
	got := untilAnswered(t, server, 20*time.Millisecond, answered)
	if got.err != nil || got.status != http.StatusGatewayTimeout || !strings.Contains(typeOf(t, got.body, "code"), "expired") {
		t.Errorf("an expired batch: %+v", got)
	}
	server.SetBlocked(simulator.Block{})
	got = post(t.Context(), http.DefaultTransport, url+"/v1/chat/completions", chat("no quota"))
	if got.err != nil || got.status != http.StatusTooManyRequests || got.header.Get("X-Should-Retry") != "false" || typeOf(t, got.body, "code") != "insufficient_quota" {
		t.Errorf("a quota that is used up: %+v", got)
	}
}

// A batch whose creation was not answered is looked for, and then bought again.
// Its call waits for that long.
func TestACreationThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	for grace, want := range map[time.Duration]time.Duration{0: durable.DefaultGrace, time.Minute: time.Minute} {
		reset := []simulator.Fault{{Route: "POST /v1/batches", Action: simulator.ActionReset}}
		inWorld(t, simulator.Config{Faults: reset}, func(w *world) {
			i := w.begin(func(c *intercept.Config) { c.Grace = grace })
			defer w.close(i)
			began := time.Now()
			got := post(w.Context(), i, chats, chat("ticket"))
			if got.err != nil || got.status != http.StatusOK {
				w.Errorf("%+v", got)
			}
			if waited := time.Since(began); waited < want || waited > want+time.Minute {
				w.Errorf("a grace of %s is %s", grace, waited)
			}
			w.wantBought(1, 1)
		})
	}
}
