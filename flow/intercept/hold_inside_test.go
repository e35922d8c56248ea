package intercept

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// heard writes down what a client hears, and when.
type heard struct {
	header http.Header
	began  time.Time
	log    []string
}

func (w *heard) Header() http.Header { return w.header }

func (w *heard) WriteHeader(status int) { w.note(fmt.Sprint(status)) }

func (w *heard) Write(b []byte) (int, error) { w.note(fmt.Sprintf("%q", b)); return len(b), nil }

func (w *heard) Flush() {}

func (w *heard) note(what string) {
	w.log = append(w.log, fmt.Sprintf("%s %s", time.Since(w.began), what))
}

func agent(name string, more ...string) http.Header {
	h := http.Header{"User-Agent": {name}}
	for k := 0; k+1 < len(more); k += 2 {
		h.Set(more[k], more[k+1])
	}
	return h
}

// Each client hears what lets it wait, and then its answer.
func TestHowClientsAreHeld(t *testing.T) {
	good, bad := Answer{Status: 200, Body: []byte(`{}`)}, Answer{Status: 400, Body: []byte(`{"error":{"message":"no"}}`)}
	message := Answer{Status: 200, Body: []byte(`{"content":[],"usage":{}}`)}
	for _, test := range []struct {
		name   string
		header http.Header
		form   form
		after  time.Duration
		answer Answer
		want   string
	}{
		{"at once", agent("OpenAI/Python 3"), formBody, 0, bad, `0s 400, 0s "{\"error\":{\"message\":\"no\"}}"`},
		{"102 for ever", agent("AsyncOpenAI/Python 3"), formBody, 50 * time.Second, good, `20s 102, 40s 102, 50s 200, 50s "{}"`},
		{"102, and an error", agent("ai/7 ai-sdk/openai"), formBody, 30 * time.Second, bad, `20s 102, 30s 400, 30s "{\"error\":{\"message\":\"no\"}}"`},
		{"102 for the newer one", agent("ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/v22"), formBody, 50 * time.Second, good, `20s 102, 40s 102, 50s 200, 50s "{}"`},
		{"102, then 200", agent("Anthropic/JS 1", "X-Stainless-Timeout", "90"), formBody, 105 * time.Second, good, `20s 102, 40s 102, 1m0s 200, 1m0s " ", 1m20s " ", 1m40s " ", 1m45s "{}"`},
		{"200 and spaces", agent("curl/8"), formBody, 65 * time.Second, good, `30s 200, 30s " ", 40s " ", 1m0s " ", 1m5s "{}"`},
		{"broken off", agent("OpenAI/Go 3"), formBody, 35 * time.Second, bad, `30s 200, 30s " ", aborted`},
		{"silence", agent("google-genai-sdk/3 gl-node"), formBody, time.Hour, good, `1h0m0s 200, 1h0m0s "{}"`},
		{"silence, then events", agent("google-genai-sdk/3 gl-python"), formGemini, time.Hour, good, `1h0m0s 200, 1h0m0s "data: {}\n\n"`},
		{
			"events", agent("Anthropic/JS 1"), formMessages, 20 * time.Second, message,
			`0s 200, 0s ": waiting for the batch\n\n", 15s ": waiting for the batch\n\n", 20s "event: message_start`,
		},
		{"102, then 200, of one in haste", agent("Anthropic/JS 1", "X-Stainless-Timeout", "50"), formBody, 50 * time.Second, good, `20s 102, 25s 200, 25s " ", 40s " ", 50s "{}"`},
		{"102, then 200, of one with a minute", agent("Groq/JS 1"), formBody, 70 * time.Second, good, `20s 102, 30s 200, 30s " ", 40s " ", 1m0s " ", 1m10s "{}"`},
		{"102, then 200, of one that says how long", agent("Together/JS 1", "X-Stainless-Timeout", "100"), formBody, 71 * time.Second, good, `20s 102, 40s 102, 1m0s 102, 1m10s 200, 1m10s " ", 1m11s "{}"`},
		{"102 for LiteLLM", agent("litellm/1.110.2"), formBody, 39 * time.Second, bad, `20s 102, 39s 400, 39s "{\"error\"`},
		{"102 for httpx", agent("python-httpx/0.28"), formBody, 3 * time.Second, bad, `2s 102, 3s 400, 3s "{\"error\"`},
		{"102 for one in haste", agent("mistral-client-python/3.7.0"), formBody, 5 * time.Second, good, `2s 102, 4s 102, 5s 200, 5s "{}"`},
		{
			"events for one in haste", agent("mistral-client-python/3.7.0"), formChat, 3 * time.Second, bad,
			`0s 200, 0s ": waiting for the batch\n\n", 2s ": waiting for the batch\n\n", 3s "data: {\"error\"`,
		},
		{"a list", agent("curl/8"), formGeminiList, 45 * time.Second, good, `30s 200, 30s " ", 40s " ", 45s "[{}]"`},
		{"no events of it", agent("Anthropic/JS 1"), formMessages, time.Second, Answer{Status: 200, Body: []byte(`[]`)}, `0s 200, 0s ": waiting for the batch\n\n", 1s "event: error\ndata: {\"error\"`},
		{"no events of it, at once", agent("Anthropic/JS 1"), formMessages, 0, Answer{Status: 200, Body: []byte(`[]`)}, `0s 502, 0s "{\"error\"`},
		{"an error among events", agent("OpenAI/JS 7"), formChat, time.Second, bad, `0s 200, 0s ": waiting for the batch\n\n", 1s "data: {\"error\":{\"message\":\"no\"}}\n\n"`},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &heard{header: http.Header{}, began: time.Now()}
			wait := &waiting{done: make(chan struct{})}
			if test.after == 0 {
				wait.settle(test.answer)
			} else {
				time.AfterFunc(test.after, func() { wait.settle(test.answer) })
			}
			func() {
				defer func() {
					if recover() == http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
						w.log = append(w.log, "aborted")
					}
				}()
				h := &holding{w: w, manner: manner{provider: "openai", form: test.form}, rule: ruleOf(test.header, test.form), counts: new(counts), wait: wait}
				if !h.begin() {
					h.serve(t.Context().Done())
				}
			}()
			if got := strings.Join(w.log, ", "); !strings.HasPrefix(got, test.want) {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
		})
	}
}

// A held call ends at its deadline, and when its client goes away.
func TestHowAHeldCallEnds(t *testing.T) {
	for _, test := range []struct {
		deadline, gone time.Duration
		want           string
		cut            int64
	}{
		{50 * time.Second, time.Hour, "20s 102, 40s 102, 50s 504, 50s ", 0},
		{time.Hour, 30 * time.Second, "20s 102", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &heard{header: http.Header{}, began: time.Now()}
			gone := make(chan struct{})
			time.AfterFunc(test.gone, func() { close(gone) })
			h := &holding{
				w: w, manner: manner{provider: "openai"}, deadline: time.Now().Add(test.deadline), rule: ruleOf(agent("OpenAI/Python 3"), formBody),
				counts: new(counts), wait: &waiting{done: make(chan struct{})},
			}
			h.begin()
			h.serve(gone)
			if got := strings.Join(w.log, ", "); !strings.HasPrefix(got, test.want) || h.counts.cut.Load() != test.cut {
				t.Errorf("%s, %d cut, want %s", got, h.counts.cut.Load(), test.want)
			}
		})
	}
}

// What panics in another goroutine is for net/http to recover from: the proxy
// lives on.
func TestAPanicIsThatOfTheCall(t *testing.T) {
	for _, p := range []any{"oops", http.ErrAbortHandler} {
		h := &handler{cfg: HandlerConfig{Instead: func(string, string) http.Handler { panic(p) }}}
		func() {
			defer func() {
				if got := recover(); got != p && !strings.Contains(fmt.Sprint(got), "oops") {
					t.Errorf("%v, want %v", got, p)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/files", nil))
			t.Errorf("%v: it is gone", p)
		}()
	}
}

// The client that ends each call after ten minutes is told before.
func TestAClientIsToldToRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &heard{header: http.Header{}, began: time.Now()}
		counts := new(counts)
		h := &holding{w: w, manner: manner{provider: "openai"}, rule: ruleOf(agent("OpenAI/JS 7"), formBody), counts: counts, wait: &waiting{done: make(chan struct{})}}
		h.begin()
		h.serve(t.Context().Done())
		if counts.cut.Load() != 1 {
			t.Error("it is not counted")
		}
		last := strings.Join(w.log[len(w.log)-2:], ", ")
		if len(w.log) != 30 || !strings.HasPrefix(last, "9m30s 503, 9m30s ") || w.header.Get("X-Should-Retry") != "true" || w.header.Get("Retry-After-Ms") != "0" {
			t.Errorf("%d: %s, %v", len(w.log), last, w.header)
		}
	})
}

// A client that repeats a call no more is not refused, and one that says how
// long it waits is told in time.
func TestWhenAClientIsToldToRepeat(t *testing.T) {
	for _, test := range []struct {
		retries, timeout string
		want             time.Duration
	}{
		{"0", "", 9*time.Minute + 30*time.Second},
		{"1", "", 9*time.Minute + 30*time.Second},
		{"2", "", 0},
		{"5", "", 0},
		{"0", "120", 90 * time.Second},
		{"0", "20", 10 * time.Second},
		{"1", "2147483", 2147453 * time.Second},
		{"0", "-1", 9*time.Minute + 30*time.Second},
		{"0", "9000000000000", longest*time.Second - 30*time.Second},
	} {
		r := ruleOf(agent("OpenAI/JS 7", "X-Stainless-Retry-Count", test.retries, "X-Stainless-Timeout", test.timeout), formBody)
		if r.refuse != test.want || !r.interim {
			t.Errorf("%+v: %+v", test, r)
		}
	}
}

// What a client has to be told is told, however it asks.
func TestWhatClientsAreTold(t *testing.T) {
	for _, test := range []struct {
		agent string
		form  form
		want  string
	}{
		{"AsyncGroq/Python 1", formBody, "a hundred calls at a time"},
		{"Together/Python 3", formChat, "a hundred calls at a time"},
		{"OpenAI/JS 7", formBody, "ten minutes"},
		{"OpenAI/JS 7", formChat, "as long as it takes"},
		{"mistral-client-python/3", formChat, "a hundred calls at a time"},
		{"Groq/JS 1", formBody, "later than 30s"},
		{"Anthropic/JS 1", formBody, "later than 9m30s"},
		{"Anthropic/JS 1", formMessages, "as long as it takes"},
	} {
		r := ruleOf(agent(test.agent), test.form)
		if got := r.describe(); !strings.Contains(got, test.want) {
			t.Errorf("%s, %q: %s", test.agent, test.form, got)
		}
	}
}
