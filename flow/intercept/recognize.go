package intercept

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// form is how the answer of a call is wanted.
type form string

// The forms of answers.
const (
	formBody       form = ""                 // as one JSON body
	formChat       form = "chat.completions" // as events of OpenAI's chat completions, and of those who speak it
	formLegacy     form = "completions"
	formResponses  form = "responses"
	formMessages   form = "messages"
	formGemini     form = "gemini"      // streamGenerateContent as events
	formGeminiList form = "gemini-list" // streamGenerateContent as a JSON array
)

// target is where a call goes, as far as its address and headers tell.
type target struct {
	provider string
	baseURL  string // as the provider's client takes it
	endpoint string // as rows name it
	model    string // if the path names it
	streams  form   // if the body asks for a stream, or the path does
	isStream bool   // the path does
}

// endpoints are those that become rows, by provider, with the form of their
// streams.
var endpoints = map[string][]struct {
	path string
	form form
}{
	"openai": {
		{"/chat/completions", formChat},
		{"/responses", formResponses},
		{"/embeddings", formBody},
		{"/completions", formLegacy},
		{"/moderations", formBody},
	},
	"mistral": {
		{"/v1/chat/completions", formChat},
		{"/v1/fim/completions", formChat},
		{"/v1/embeddings", formBody},
		{"/v1/moderations", formBody},
		{"/v1/chat/moderations", formBody},
		{"/v1/ocr", formBody},
		{"/v1/classifications", formBody},
	},
	"anthropic": {{"/v1/messages", formMessages}},
}

// geminiModels begins the paths of the Gemini API's models, as rows name it.
const geminiModels = "/v1beta/models/"

// cutGemini cuts the path of a call to a model of the Gemini API, of any of the
// versions that mean the same.
func cutGemini(path string) (base, model, verb string, ok bool) {
	for _, models := range []string{geminiModels, "/v1/models/"} {
		base, rest, found := strings.Cut(path, models)
		model, verb, isCall := strings.Cut(rest, ":")
		if found && isCall && model != "" && !strings.Contains(model, "/") {
			return base, model, verb, true
		}
	}
	return "", "", "", false
}

// recognize returns the target of a call to a provider, from its URL there. It
// is false for a call that is none of a batch's.
func recognize(provider, method string, u *url.URL, h http.Header) (target, bool) {
	if method != http.MethodPost || unbatchable(h) {
		return target{}, false
	}
	t, ok := target{}, false
	if provider == "gemini" {
		t, ok = geminiTarget(u)
	} else if u.RawQuery == "" {
		t, ok = pathTarget(provider, u)
	}
	t.provider = provider
	return t, ok
}

// unbatchable reports whether headers ask for what no row of a batch has.
func unbatchable(h http.Header) bool {
	kind := h.Get("Content-Type")
	return h.Get("Anthropic-Beta") != "" || h.Get("Openai-Beta") != "" || h.Get("Content-Encoding") != "" ||
		kind != "" && !strings.HasPrefix(kind, "application/json")
}

func pathTarget(provider string, u *url.URL) (target, bool) {
	for _, e := range endpoints[provider] {
		base, found := strings.CutSuffix(u.Path, e.path)
		if !found {
			continue
		}
		t := target{baseURL: u.Scheme + "://" + u.Host + base, endpoint: e.path, streams: e.form}
		if provider == "openai" {
			t.endpoint = "/v1" + e.path // as rows name it, wherever the API is
		}
		return t, true
	}
	return target{}, false
}

func geminiTarget(u *url.URL) (target, bool) {
	base, model, verb, ok := cutGemini(u.Path)
	if !ok || !onlyKnown(u.Query()) {
		return target{}, false
	}
	t := target{baseURL: u.Scheme + "://" + u.Host + base, model: model}
	switch verb {
	case "generateContent", "embedContent":
		t.endpoint = geminiModels + "{model}:" + verb
		return t, true
	case "streamGenerateContent":
		t.endpoint, t.streams, t.isStream = geminiModels+"{model}:generateContent", formGeminiList, true
		if u.Query().Get("alt") == "sse" {
			t.streams = formGemini
		}
		return t, true
	}
	return target{}, false
}

// onlyKnown reports whether a query of the Gemini API asks for nothing that
// rows do not have.
func onlyKnown(q url.Values) bool {
	for name, values := range q {
		switch {
		case name == "key":
		case name == "alt" && (slices.Equal(values, []string{"sse"}) || slices.Equal(values, []string{"json"})):
		default:
			return false
		}
	}
	return true
}

// keyOf returns the key with which a call pays, "" if it has none.
func keyOf(provider string, u *url.URL, h http.Header) string {
	names := map[string][]string{"anthropic": {"X-Api-Key"}, "gemini": {"X-Goog-Api-Key"}}
	for _, name := range names[provider] {
		if key := h.Get(name); key != "" {
			return key
		}
	}
	if provider == "gemini" {
		return u.Query().Get("key")
	}
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}
