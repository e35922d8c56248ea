package intercept

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhichCallsBecomeRows(t *testing.T) {
	json := http.Header{"Content-Type": {"application/json"}}
	for _, test := range []struct {
		provider, url string
		header        http.Header
		want          target
	}{
		{"openai", "https://api.openai.com/v1/chat/completions", json, target{baseURL: "https://api.openai.com/v1", endpoint: "/v1/chat/completions", streams: formChat}},
		{"openai", "https://api.groq.com/openai/v1/chat/completions", json, target{baseURL: "https://api.groq.com/openai/v1", endpoint: "/v1/chat/completions", streams: formChat}},
		{"openai", "https://h/v1/completions", json, target{baseURL: "https://h/v1", endpoint: "/v1/completions", streams: formLegacy}},
		{"openai", "https://h/v1/responses", json, target{baseURL: "https://h/v1", endpoint: "/v1/responses", streams: formResponses}},
		{"openai", "https://h/v1/embeddings", nil, target{baseURL: "https://h/v1", endpoint: "/v1/embeddings"}},
		{"openai", "https://h/v1/responses/compact", json, target{}},
		{"openai", "https://h/v1/chat/completions?x=1", json, target{}},
		{"openai", "https://h/v1/audio/speech", json, target{}},
		{"openai", "https://h/v1/embeddings", http.Header{"Content-Type": {"multipart/form-data"}}, target{}},
		{"openai", "https://h/v1/embeddings", http.Header{"Content-Encoding": {"gzip"}}, target{}},
		{"anthropic", "https://h/v1/messages", json, target{baseURL: "https://h", endpoint: "/v1/messages", streams: formMessages}},
		{"anthropic", "https://h/v1/messages/count_tokens", json, target{}},
		{"anthropic", "https://h/v1/messages", http.Header{"Anthropic-Beta": {"x"}}, target{}},
		{"mistral", "https://h/v1/fim/completions", json, target{baseURL: "https://h", endpoint: "/v1/fim/completions", streams: formChat}},
		{"gemini", "https://h/v1beta/models/gemini-3:generateContent?key=k", json, target{baseURL: "https://h", endpoint: "/v1beta/models/{model}:generateContent", model: "gemini-3"}},
		{"gemini", "https://h/v1beta/models/gemini-3:streamGenerateContent?alt=sse", json, target{baseURL: "https://h", endpoint: "/v1beta/models/{model}:generateContent", model: "gemini-3", streams: formGemini, isStream: true}},
		{"gemini", "https://h/v1beta/models/gemini-3:streamGenerateContent", json, target{baseURL: "https://h", endpoint: "/v1beta/models/{model}:generateContent", model: "gemini-3", streams: formGeminiList, isStream: true}},
		{"gemini", "https://h/v1/models/gemini-3:embedContent", json, target{baseURL: "https://h", endpoint: "/v1beta/models/{model}:embedContent", model: "gemini-3"}},
		{"gemini", "https://h/v1beta/models/gemini-3:countTokens", json, target{}},
		{"gemini", "https://h/v1beta/models/gemini-3:generateContent?fields=a", json, target{}},
	} {
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := recognize(test.provider, http.MethodPost, u, test.header)
		if ok {
			test.want.provider = test.provider
		} else {
			got = target{}
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(target{})); diff != "" || ok != (test.want.endpoint != "") {
			t.Errorf("%s: %s", test.url, diff)
		}
		if _, ok := recognize(test.provider, http.MethodGet, u, test.header); ok {
			t.Errorf("GET %s is a row", test.url)
		}
	}
}

func TestWhereAProxySendsCalls(t *testing.T) {
	h := &handler{bases: make(map[string]*url.URL)}
	for _, home := range homes {
		h.bases[home.name], _ = url.Parse(home.baseURL)
	}
	for path, want := range map[string]string{
		"/v1/chat/completions":               "https://api.openai.com/v1/chat/completions",
		"/chat/completions":                  "https://api.openai.com/v1/chat/completions",
		"/openai/v1/models":                  "https://api.openai.com/v1/models",
		"/v1/messages":                       "https://api.anthropic.com/v1/messages",
		"/anthropic/v1/messages":             "https://api.anthropic.com/v1/messages",
		"/v1/messages/batches":               "https://api.anthropic.com/v1/messages/batches",
		"/v1beta/models/g:generateContent":   "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
		"/v1/models/g:generateContent":       "https://generativelanguage.googleapis.com/v1/models/g:generateContent",
		"/v1/models/gpt":                     "https://api.openai.com/v1/models/gpt",
		"/mistral/v1/chat/completions":       "https://api.mistral.ai/v1/chat/completions",
		"/groq/openai/v1/chat/completions":   "https://api.groq.com/openai/v1/chat/completions",
		"/anthropic/messages":                "https://api.anthropic.com/v1/messages",
		"/together/v1/embeddings":            "https://api.together.ai/v1/embeddings",
		"/together/embeddings":               "https://api.together.ai/v1/embeddings",
		"/together/v1/v1/embeddings":         "https://api.together.ai/v1/embeddings",
		"/openai/v1/v1/models":               "https://api.openai.com/v1/models",
		"/groq/chat/completions":             "https://api.groq.com/openai/v1/chat/completions",
		"/unknown/of/any/provider/is/openai": "https://api.openai.com/v1/unknown/of/any/provider/is/openai",
	} {
		if _, u := h.route(path, "", nil); u.String() != want {
			t.Errorf("%s goes to %s, want %s", path, u, want)
		}
	}
}

// What asks for a stream is no part of the row; anything else that cannot be
// read as one is passed on.
func TestReadingACall(t *testing.T) {
	for body, want := range map[string]string{
		`{"model":"m","messages":[]}`: `{"model":"m","messages":[]}`,
		` {"model":"m", "stream" : true,"n":1.0,"stream_options":{"include_usage":true}, "a\u0062":"\ud83d\ude00"} `: `{"model":"m","n":1.0,"a\u0062":"\ud83d\ude00"}`,
		`{"stream":false,"model":"m"}`: `{"model":"m"}`,
		`{"model":"m","model":"n"}`:    "", `{"model":"m"} {}`: "", `{"model":"m","stream":1}`: "", `{"model":"m"`: "", `null`: "", `{}`: "", "{\"model\":\"\xff\"}": "",
	} {
		c := &call{target: target{provider: "openai", streams: formChat}}
		err := c.read([]byte(body))
		if (err != nil) != (want == "") || want != "" && string(c.body) != want {
			t.Errorf("%s: %s, %v", body, c.body, err)
		}
		if wantStream := strings.Contains(body, `"include_usage"`); err == nil && (c.manner.form == formChat) != wantStream || c.manner.usage != wantStream {
			t.Errorf("%s: %q, %v", body, c.manner.form, c.manner.usage)
		}
	}
}

func TestOptionsOfHeaders(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	h := http.Header{}
	for name, value := range map[string]string{"priority": "HIGH", "deadline": "6h", "tenant": "acme", "run": "r", "sample": "2", "live": "true"} {
		h.Set("x-baler-"+name, value)
	}
	got, err := options{tenant: "other"}.withHeader(h, now)
	want := options{priority: 1, deadline: now.Add(6 * time.Hour), tenant: "acme", run: "r", sample: "2", live: true}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if left := stripped(h); len(left) != 0 {
		t.Errorf("passed on: %v", left)
	}
	for name, value := range map[string]string{"priority": "urgent", "deadline": "tomorrow", "live": "perhaps", "tenant": strings.Repeat("x", 300)} {
		h := http.Header{}
		h.Set("x-baler-"+name, value)
		if _, err := (options{}).withHeader(h, now); err == nil {
			t.Errorf("%s: %s is taken", name, value)
		}
	}
}

// Keys of rows are read again, and nothing else is one.
func TestKeysOfRows(t *testing.T) {
	r := &row{hash: callHash{1, 2, 255}, id: 77}
	hash, id, err := parseKey(r.key())
	if err != nil || hash != r.hash || id != r.id {
		t.Errorf("%s: %v %d %v", r.key(), hash, id, err)
	}
	for _, key := range []string{"", "-", "zz-1", strings.Repeat("0", 32), strings.Repeat("0", 34) + "-1", strings.Repeat("0", 30) + "-1", r.key() + "x"} {
		if _, _, err := parseKey(key); err == nil {
			t.Errorf("%q is a key", key)
		}
	}
}
