package intercept

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rule is how a connection is held, so that its client waits for hours. What
// each client bears was measured.
type rule struct {
	client string // family, as people know it
	every  time.Duration
	// interim says that 102 Processing goes out every so often, until the
	// answer begins.
	interim bool
	// commit is when the answer begins with the status 200, and white space
	// every so often; 0: it does not before it is there. An error after that
	// breaks the connection off, and waits for the repetition of the call.
	commit time.Duration
	// refuse is when the call is told to repeat itself; 0: never.
	refuse time.Duration
	events bool // the answer begins at once, as events, with comments
	hint   string
	// pool says that the client makes a hundred calls at a time. Further ones
	// wait for a connection, and fail when their patience ends.
	pool bool
}

// These are the intervals at which clients hear something.
const (
	holdEvery   = 20 * time.Second
	eventsEvery = 15 * time.Second
	commitAt    = 30 * time.Second
	// hastyEvery is for clients that want to hear something every five seconds.
	hastyEvery = 2 * time.Second
)

// families are the rules of clients by a part of their User-Agent. The first
// that fits counts.
var families = []struct {
	agent string
	rule  rule
}{
	{"google-genai-sdk/", rule{client: "google-genai"}}, // before "ai-sdk/"
	{"OpenAI/Python", rule{client: "openai for Python", interim: true, every: holdEvery}},
	{"Anthropic/Python", rule{client: "anthropic for Python", interim: true, every: holdEvery}},
	{"Groq/Python", rule{client: "groq for Python", interim: true, every: holdEvery, pool: true}},
	{"Together/Python", rule{client: "together for Python", interim: true, every: holdEvery, pool: true}},
	{"python-httpx", rule{client: "httpx", interim: true, every: hastyEvery, pool: true}},
	{"mistral-client-python/", rule{client: "mistralai for Python", interim: true, every: hastyEvery, pool: true}},
	{"mistral-client-typescript/", rule{client: "mistralai for Node", interim: true, every: holdEvery}},
	{"litellm/", rule{client: "LiteLLM", interim: true, every: holdEvery}}, // with its own HTTP client
	{"ai-sdk/", rule{client: "Vercel's AI SDK", interim: true, every: holdEvery}},
	{"ai-sdk-provider-utils/", rule{client: "Vercel's AI SDK", interim: true, every: holdEvery}}, // since its version 7
	{"Anthropic/JS", rule{client: "@anthropic-ai/sdk", interim: true, every: holdEvery}},
	{"Groq/JS", rule{client: "groq-sdk", interim: true, every: holdEvery}},
	{"Together/JS", rule{client: "together-ai", interim: true, every: holdEvery}},
	{"OpenAI/JS", rule{
		client: "openai for Node", interim: true, every: holdEvery,
		hint: "it ends a call after ten minutes, and repeats it twice: set timeout: 2**31-1 and leave maxRetries at 2, or set stream: true, to wait longer",
	}},
	{"OpenAI/Go", rule{client: "openai-go", commit: commitAt, every: holdEvery}},
	{"Anthropic/Go", rule{
		client: "anthropic-sdk-go", commit: commitAt, every: holdEvery,
		hint: "it ends a call after ten minutes: set option.WithRequestTimeout to wait longer",
	}},
	{"python-requests", rule{client: "requests", commit: commitAt, every: holdEvery}},
}

// ruleOf returns how to hold a call with these headers.
func ruleOf(h http.Header, form form) rule {
	agent := h.Get("User-Agent")
	r := rule{client: "clients that are not known", commit: commitAt, every: holdEvery}
	for _, f := range families {
		if strings.Contains(agent, f.agent) {
			r = f.rule
			break
		}
	}
	switch {
	case strings.Contains(agent, "Anthropic/JS"):
		r.commit = before(patience(h, 10*time.Minute))
	case strings.Contains(agent, "Groq/JS"), strings.Contains(agent, "Together/JS"):
		r.commit = before(patience(h, time.Minute))
	case strings.Contains(agent, "OpenAI/JS") && !lastAttempt(h):
		r.refuse = before(patience(h, 10*time.Minute))
	}
	isSilent := r.every == 0
	if form != formBody && form != formGeminiList && !isSilent {
		return rule{client: r.client + ", streaming", events: true, every: min(eventsEvery, r.every), pool: r.pool}
	}
	return r
}

// patience is for how long a client of Stainless waits for the answer to begin:
// what it says, or its default.
func patience(h http.Header, unsaid time.Duration) time.Duration {
	seconds, err := strconv.Atoi(h.Get("X-Stainless-Timeout"))
	if err != nil || seconds <= 0 {
		return unsaid
	}
	return time.Duration(min(seconds, longest)) * time.Second
}

// longest bounds the patience of clients, in seconds, to what a duration holds.
const longest = 1e9

// before is when a client must hear something that has so much patience.
func before(patience time.Duration) time.Duration {
	return max(patience-30*time.Second, patience/2)
}

// lastAttempt reports whether a client of Stainless, as it is set up by
// default, does not repeat the call any more. Then a refusal would be its
// answer.
func lastAttempt(h http.Header) bool {
	n, err := strconv.Atoi(h.Get("X-Stainless-Retry-Count"))
	return err == nil && n >= 2
}

// action is what happens while a connection is held.
type action int

// The actions.
const (
	actInterim action = iota + 1
	actCommit
	actSpace
	actRefuse
	actAnswer // the call has its answer
	actGone   // its client is gone
	actLate   // its deadline has passed
)

// next returns what happens next to a call that was held for so long, and when.
// The time is 0 if nothing happens any more.
func (r *rule) next(held time.Duration) (at time.Duration, what action) {
	if r.every > 0 {
		at = held - held%r.every + r.every
		what = actSpace
		if !r.events && (r.commit == 0 || at < r.commit) {
			at, what = r.nextInterim(at)
		}
	}
	if r.commit > 0 && held < r.commit && (at == 0 || r.commit <= at) {
		at, what = r.commit, actCommit
	}
	if r.refuse > 0 && (at == 0 || r.refuse <= at) {
		at, what = r.refuse, actRefuse
	}
	return at, what
}

func (r *rule) nextInterim(at time.Duration) (time.Duration, action) {
	if !r.interim {
		return 0, 0
	}
	return at, actInterim
}

// describe says how long such calls are held.
func (r *rule) describe() string {
	switch {
	case r.pool:
		return "it makes a hundred calls at a time, and further ones fail after its timeout: give it an HTTP client with more connections, or make no more at a time"
	case r.hint != "":
		return r.hint
	case r.commit > 0:
		return fmt.Sprintf("it waits as long as it takes; an error that comes later than %s breaks the connection off, and the same call gets it then", r.commit)
	default:
		return "it waits as long as it takes"
	}
}
