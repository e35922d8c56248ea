package intercept_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/sink/simulator"
)

func TestCallsAtOnceAreFewBatches(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		defer w.close(i)
		w.ask(i, 0, 120)
		w.wantBought(120, 3)
		began := time.Now()
		w.ask(i, 0, 120)
		if took := time.Since(began); took > 0 {
			w.Errorf("answers that are there took %s", took)
		}
		w.wantBought(120, 3)
		if s := i.Stats(); s.Calls != 240 || s.Hits != 120 || s.Rows != 120 || s.Batches != 3 || s.Succeeded != 120 || s.Waiting != 0 {
			w.Errorf("%+v", s)
		}
	})
}

// Wherever the program ends, it pays for nothing twice.
func TestAProgramThatIsRunAgainPaysForWhatIsNew(t *testing.T) {
	for name, after := range map[string]time.Duration{"before the batch": time.Second, "while it runs": 5 * time.Minute, "when it has ended": 15*time.Minute + 3*time.Second} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				i := w.begin()
				var calls sync.WaitGroup
				for n := range 20 {
					calls.Go(func() {
						got := post(w.Context(), i, chats, chat(fmt.Sprintf("ticket number %d", n)))
						if got.err != nil && !errors.Is(got.err, intercept.ErrClosed) {
							w.Error(got.err)
						}
					})
				}
				time.Sleep(after)
				w.close(i)
				calls.Wait()
				i = w.begin()
				w.ask(i, 0, 30)
				w.close(i)
				seen := make(map[string]bool)
				for e, err := range w.server.Executions() {
					if err != nil || seen[e.CustomID] || e.Live {
						w.Errorf("%+v, %v", e, err)
					}
					seen[e.CustomID] = true
				}
				if len(seen) != 30 {
					w.Errorf("%d rows ran", len(seen))
				}
			})
		})
	}
}

// Calls that ask the same share a row, unless they are samples, or of others.
func TestWhatACallIsKnownBy(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		defer w.close(i)
		other := `{"messages":[{"content":"one","role":"user"}],  "model":"gpt-test"}`
		var calls sync.WaitGroup
		for _, call := range []struct {
			body   string
			header []string
		}{
			{chat("one"), nil},
			{chat("one"), []string{"X-Stainless-Retry-Count", "1"}},
			{other, nil},
			{chat("one"), []string{"X-Baler-Sample", "2"}},
			{chat("one"), []string{"X-Baler-Tenant", "acme"}},
			{chat("one"), []string{"Authorization", "Bearer sk-other"}},
			{chat("one"), []string{"Openai-Organization", "org-1"}},
			{strings.Replace(chat("one"), "gpt-test", "gpt-other", 1), nil},
			{strings.TrimSuffix(chat("one"), "}") + `,"stream":true,"stream_options":{"include_usage":true}}`, nil},
		} {
			calls.Go(func() {
				if got := post(w.Context(), i, chats, call.body, call.header...); got.status != http.StatusOK || !strings.Contains(got.body, "one") {
					w.Errorf("%s %v: %+v", call.body, call.header, got)
				}
			})
		}
		calls.Wait()
		if s := i.Stats(); s.Rows != 6 || s.Attached != 3 {
			w.Errorf("%+v", s)
		}
		w.wantBought(6, 4) // by account and model
	})
}

// A caller that goes away cancels nothing: the same call gets the answer.
func TestACallerMayGoAway(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		defer w.close(i)
		ctx, cancel := context.WithTimeout(w.Context(), 12*time.Minute)
		defer cancel()
		if got := post(ctx, i, chats, chat("one")); !errors.Is(got.err, context.DeadlineExceeded) {
			w.Errorf("%+v", got)
		}
		time.Sleep(10 * time.Minute)
		began := time.Now()
		if got := post(w.Context(), i, chats, chat("one")); got.status != http.StatusOK || got.header.Get("X-Baler-Hit") != "true" || !time.Now().Equal(began) {
			w.Errorf("%+v after %s", got, time.Since(began))
		}
		w.wantBought(1, 1)
	})
}

func TestErrorsAreThoseOfTheProvider(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		defer w.close(i)
		for range 2 {
			got := post(w.Context(), i, chats, chat("[[400]]"))
			if got.status != http.StatusBadRequest || !strings.Contains(got.body, `"error"`) || got.header.Get("X-Should-Retry") != "false" {
				w.Errorf("%+v", got)
			}
		}
		if got := post(w.Context(), i, chats, chat("[[length]]")); got.status != http.StatusOK || !strings.Contains(got.body, `"finish_reason":"length"`) {
			w.Errorf("an answer that was cut off: %+v", got)
		}
		w.wantBought(2, 2)
		time.Sleep(time.Hour)
		if got := post(w.Context(), i, chats, chat("[[400]]")); got.status != http.StatusBadRequest {
			w.Errorf("%+v", got)
		}
		w.wantBought(3, 3) // it was asked again
	})
}

// An account that cannot pay is told at once, and again when it can.
func TestAnAccountThatIsRefused(t *testing.T) {
	inWorld(t, simulator.Config{Keys: []string{"sk-test"}}, func(w *world) {
		i := w.begin()
		defer w.close(i)
		began := time.Now()
		got := post(w.Context(), i, chats, chat("one"), "Authorization", "Bearer sk-wrong")
		if got.status != http.StatusUnauthorized || time.Since(began) > time.Minute || strings.Contains(got.body, "sk-wrong") {
			w.Errorf("%+v after %s", got, time.Since(began))
		}
		w.ask(i, 0, 1)
	})
}

// What stops the batches of an account ends its calls, and they go on later.
// That calls near their deadline might be asked live is no reason to wait.
func TestABlockedAccountTellsItsCallers(t *testing.T) {
	for _, within := range []time.Duration{0, time.Hour} {
		inWorld(t, slow, func(w *world) {
			i := w.begin(func(c *intercept.Config) { c.LiveWithin = within })
			defer w.close(i)
			w.ask(i, 0, 1)
			w.server.SetBlocked(simulator.Block{})
			ctx, cancel := context.WithTimeout(w.Context(), 24*time.Hour)
			defer cancel()
			got := post(ctx, i, chats, chat("ticket number 1"))
			if got.status < 400 || got.status == http.StatusServiceUnavailable || got.header.Get("X-Should-Retry") != "false" {
				w.Errorf("%+v", got)
			}
			w.server.SetBlocked()
			time.Sleep(time.Minute)
			w.ask(i, 1, 2)
			w.wantBought(2, 2)
		})
	}
}

// A provider that is down holds calls up, once it was there.
func TestAProviderThatIsDownHoldsCallsUp(t *testing.T) {
	inWorld(t, simulator.Config{Faults: []simulator.Fault{{Action: simulator.ActionFail, Status: 503, Times: 3}}}, func(w *world) {
		i := w.begin()
		defer w.close(i)
		w.ask(i, 0, 5)
		if err := w.server.SetFaults(simulator.Fault{Action: simulator.ActionFail, Status: 503, Times: 30}); err != nil {
			w.Fatal(err)
		}
		w.ask(i, 5, 10)
		w.wantBought(10, 2)
		down := simulator.Fault{Action: simulator.ActionFail, Status: 503, Times: -1}
		if err := w.server.SetFaults(down); err != nil {
			w.Fatal(err)
		}
		got := post(w.Context(), i, chats, chat("one"), "Authorization", "Bearer sk-other")
		if got.status != http.StatusServiceUnavailable || got.header.Get("X-Should-Retry") != "true" {
			w.Errorf("%+v", got)
		}
	})
}

func TestOtherCallsPassThrough(t *testing.T) {
	inWorld(t, simulator.Config{}, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.All = false })
		defer w.close(i)
		for _, header := range [][]string{nil, {"X-Baler-Live", "true"}, {"Openai-Beta", "x=1"}} {
			ctx := w.Context()
			if header != nil {
				ctx = intercept.With(ctx)
			}
			if got := post(ctx, i, chats, chat("one"), header...); got.status != http.StatusOK || !strings.Contains(got.body, "one") {
				w.Errorf("%v: %+v", header, got)
			}
		}
		if s := i.Stats(); s.Passed != 3 || s.Rows != 0 {
			w.Errorf("%+v", s)
		}
		got := post(intercept.With(w.Context(), intercept.Sample("a")), i, chats, chat("one"))
		if s := i.Stats(); got.status != http.StatusOK || s.Rows != 1 {
			w.Errorf("%+v, %+v", got, s)
		}
		for _, body := range []string{"{", `{"model":"gpt-test","background":true}`, `[]`, `{"model":7}`, ``} {
			if got := post(intercept.With(w.Context()), i, chats, body); got.err != nil {
				w.Errorf("%q: %+v", body, got)
			}
		}
		if s := i.Stats(); s.Passed != 8 || s.Rows != 1 {
			w.Errorf("%+v", s)
		}
	})
}

func TestADryRunBuysNothing(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		w.ask(i, 0, 10)
		w.close(i)
		i = w.begin(func(c *intercept.Config) { c.DryRun = true; c.BatchSize = 4 })
		defer w.close(i)
		w.ask(i, 0, 10)
		var last *intercept.DryRunError
		for n := range 9 {
			got := post(w.Context(), i, chats, chat(fmt.Sprintf("new %d", n%6)))
			if !errors.As(got.err, &last) {
				w.Fatalf("%+v", got)
			}
		}
		if want := (intercept.Plan{Calls: 19, Hits: 10, Rows: 6, Batches: 2}); last.Plan != want {
			w.Errorf("%+v", last.Plan)
		}
		w.wantBought(10, 1)
	})
}

// A call that cannot wait as long as a batch takes is told before it is bought.
func TestACallThatCannotWait(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		defer w.close(i)
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Minute)
		defer cancel()
		got := post(ctx, i, chats, chat("one"))
		if e, is := errors.AsType[*intercept.DeadlineError](got.err); !is || !strings.Contains(e.Error(), "WithRequestTimeout") {
			w.Errorf("%+v", got)
		}
		got = post(w.Context(), i, chats, chat("two"), "X-Baler-Deadline", "12m")
		if e, is := errors.AsType[*intercept.DeadlineError](got.err); !is || !e.Passed {
			w.Errorf("%+v", got)
		}
		if got := post(w.Context(), i, chats, chat("three"), "X-Baler-Deadline", "soon"); got.err == nil {
			w.Errorf("%+v", got)
		}
		got = post(w.Context(), i, chats, chat("four"), "X-Baler-Deadline", "1999-12-31T00:00:00Z")
		if e, is := errors.AsType[*intercept.DeadlineError](got.err); !is || e.Passed || !strings.Contains(e.Error(), "nothing was bought") {
			w.Errorf("%+v", got)
		}
		time.Sleep(20 * time.Minute)
		w.wantBought(1, 1)
	})
}

// lagging holds up calls that ask for something, such as that which tries a
// key.
type lagging struct{ http.RoundTripper }

func (l lagging) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		time.Sleep(10 * time.Second)
	}
	return l.RoundTripper.RoundTrip(r)
}

// Callers that ask the same are not ended by the first of them, whose time is
// over before the account is there.
func TestACallerThatGoesAwayIsAlone(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.Transport, c.Least = lagging{c.Transport}, -1 })
		defer w.close(i)
		var calls sync.WaitGroup
		calls.Go(func() { w.ask(i, 0, 1) }) // it tries the key
		time.Sleep(time.Second)
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(w.Context(), 2*time.Second)
			defer cancel()
			if got := post(ctx, i, chats, chat("ticket number 1")); !errors.Is(got.err, context.DeadlineExceeded) {
				w.Errorf("%+v", got)
			}
		})
		time.Sleep(time.Second)
		w.ask(i, 1, 2)
		calls.Wait()
		w.wantBought(2, 1)
	})
}

// Whoever closes while a key is tried waits for no provider.
func TestClosingWhileAKeyIsTried(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.Transport = lagging{c.Transport} })
		var calls sync.WaitGroup
		for n := range 3 {
			calls.Go(func() {
				if got := post(w.Context(), i, chats, chat(fmt.Sprint(n))); !errors.Is(got.err, intercept.ErrClosed) {
					w.Errorf("%+v", got)
				}
			})
		}
		time.Sleep(time.Second)
		w.close(i)
		calls.Wait()
		w.wantBought(0, 0)
		if got := post(w.Context(), i, chats, chat("late")); !errors.Is(got.err, intercept.ErrClosed) {
			w.Errorf("%+v", got)
		}
	})
}

// A job that was drained goes on as another, with the same answers.
func TestAJobThatWasDrainedIsFollowedByAnother(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin()
		defer w.close(i)
		w.ask(i, 0, 5)
		runs, err := w.config.Dir.Runs()
		if err != nil || len(runs) != 1 {
			w.Fatalf("%+v, %v", runs, err)
		}
		h, err := w.config.Dir.Attach(runs[0].Name)
		if err != nil {
			w.Fatal(err)
		}
		if err := h.Drain(w.Context()); err != nil {
			w.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.ask(i, 0, 10)
		w.wantBought(10, 2)
		if runs, _ := w.config.Dir.Runs(); len(runs) != 2 {
			w.Errorf("%d runs", len(runs))
		}
	})
}

// Other providers answer in their own ways.
func TestAllProviders(t *testing.T) {
	const contents = `{"contents":[{"role":"user","parts":[{"text":"ticket one"}]}]}`
	const messages = `{"model":"claude-haiku-5.5","max_tokens":50,"messages":[{"role":"user","content":"ticket one"}]}`
	const host = "http://127.0.0.1"
	for _, test := range []struct {
		url, body string
		header    []string
		want      string
	}{
		{host + "/anthropic/v1/messages", messages, []string{"Anthropic-Version", "2023-06-01", "X-Api-Key", "sk-ant"}, `"type":"message"`},
		{host + "/anthropic/v1/messages", strings.Replace(messages, "{", `{"stream":true,`, 1), []string{"Anthropic-Version", "2023-06-01"}, "event: message_stop"},
		{host + "/gemini/v1beta/models/gemini-3-flash:generateContent", contents, []string{"X-Goog-Api-Key", "g-key"}, `"candidates"`},
		{host + "/gemini/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse", contents, []string{"X-Goog-Api-Key", "g-key"}, `data: {`},
		{host + "/v1/responses", `{"model":"gpt-test","input":"ticket one"}`, nil, `"output"`},
		{host + "/v1/responses", `{"model":"gpt-test","input":"ticket one","stream":true}`, nil, "event: response.completed"},
		{host + "/v1/embeddings", `{"model":"text-embedding-3-small","input":"ticket one"}`, nil, `"embedding"`},
		{chats, `{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"ticket one"}]}`, nil, "data: [DONE]"},
	} {
		inWorld(t, simulator.Config{}, func(w *world) {
			i := w.begin()
			defer w.close(i)
			got := post(w.Context(), i, test.url, test.body, test.header...)
			if got.err != nil || got.status != http.StatusOK || !strings.Contains(got.body, test.want) {
				w.Errorf("%s: %d %s, %v", test.url, got.status, got.body, got.err)
			}
			w.wantBought(1, 1)
		})
	}
}

// A call whose deadline is nearer than LiveWithin is asked at once, unless it is
// answered or bought already.
func TestACallNearItsDeadlineGoesLive(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.LiveWithin = 30 * time.Minute })
		defer w.close(i)
		within := func(ctx context.Context, text, deadline string) {
			w.Helper()
			got := post(ctx, i, chats, chat(text), "X-Baler-Deadline", deadline)
			if got.err != nil || got.status != http.StatusOK || !strings.Contains(got.body, text) {
				w.Errorf("%s: %+v", text, got)
			}
		}
		began := time.Now()
		within(w.Context(), "near", "20m")
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Minute)
		defer cancel()
		within(ctx, "in haste", "")
		within(ctx, "in haste itself", "6h")
		if took := time.Since(began); took > time.Minute {
			w.Errorf("they waited for %s", took)
		}
		var calls sync.WaitGroup
		calls.Go(func() { within(w.Context(), "far", "6h") })
		time.Sleep(time.Minute)
		within(w.Context(), "far", "29m") // its row is bought
		calls.Wait()
		within(w.Context(), "far", "1m") // and is answered now
		if got := post(w.Context(), i, chats, chat("past"), "X-Baler-Deadline", "1999-12-31T00:00:00Z"); got.err == nil {
			w.Errorf("%+v", got)
		}
		rows, live := 0, 0
		for e, err := range w.server.Executions() {
			if err != nil {
				w.Fatal(err)
			}
			if rows++; e.Live {
				live++
			}
		}
		if s := i.Stats(); rows != 4 || live != 3 || s.Live != 3 || !strings.Contains(s.String(), "3 of them near their deadline") {
			w.Errorf("%d rows, %d of them live: %s", rows, live, s)
		}
	})
}

// A dry run costs nothing: also calls that cannot be rows are refused, except
// those that only read.
func TestADryRunLetsNothingThroughThatCosts(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		i := w.begin(func(c *intercept.Config) { c.DryRun, c.LiveWithin = true, time.Hour })
		defer w.close(i)
		for _, test := range []struct{ url, header, value string }{
			{chats, "X-Baler-Live", "true"},
			{chats, "X-Baler-Deadline", "1m"},
			{chats, "Openai-Beta", "assistants=v2"},
			{"http://127.0.0.1/v1/images/generations", "", ""},
		} {
			got := post(w.Context(), i, test.url, chat("one"), test.header, test.value)
			if e, is := errors.AsType[*intercept.DryRunError](got.err); !is || !strings.Contains(e.Error(), "at the full price") {
				w.Errorf("%+v: %+v", test, got)
			}
		}
		r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, "http://127.0.0.1/v1/models", nil)
		if err != nil {
			w.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer sk-test")
		resp, err := i.RoundTrip(r)
		if err != nil {
			w.Fatal(err)
		}
		_ = resp.Body.Close()
		if p := i.Plan(); p.Passed != 4 || i.Stats().Passed != 1 {
			w.Errorf("%+v, %+v", p, i.Stats())
		}
		w.wantBought(0, 0)
	})
}
