package main

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
)

// A row is taken in the batch format of its provider, and in OpenAI's.
func TestRowsInEachBatchFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		provider, model, row string
		want                 sink.Request
		id                   string
	}{
		{
			"openai", "", `{"custom_id":"a","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"x"}}`,
			sink.Request{Endpoint: "/v1/embeddings", Model: "m"},
			"a",
		},
		{
			"anthropic", "", `{"custom_id":"a","params":{"model":"claude-x","messages":[]}}`,
			sink.Request{Endpoint: "/v1/messages", Model: "claude-x"},
			"a",
		},
		{
			"anthropic", "", `{"custom_id":"a","method":"POST","url":"/v1/messages","body":{"model":"claude-x"}}`,
			sink.Request{Endpoint: "/v1/messages", Model: "claude-x"},
			"a",
		},
		{
			"gemini", "gemini-x", `{"key":"k","request":{"contents":[]}}`,
			sink.Request{Endpoint: "/v1beta/models/{model}:generateContent", Model: "gemini-x"},
			"k",
		},
		{
			"gemini", "models/gemini-x", `{"key":"k","request":{"model":"models/gemini-x","content":{}}}`,
			sink.Request{Endpoint: "/v1beta/models/{model}:embedContent", Model: "gemini-x"},
			"k",
		},
		{
			"mistral", "mistral-x", `{"custom_id":"a","body":{"messages":[]}}`,
			sink.Request{Endpoint: "/v1/chat/completions", Model: "mistral-x"},
			"a",
		},
		{
			"mistral", "", `{"custom_id":"a","body":{"model":"mistral-embed","input":["x"]}}`,
			sink.Request{Endpoint: "/v1/embeddings", Model: "mistral-embed"},
			"a",
		},
		{
			"mistral", "mistral-x", `{"custom_id":"a","method":"POST","url":"/v1/classifications","body":{"input":["x"]}}`,
			sink.Request{Endpoint: "/v1/classifications", Model: "mistral-x"},
			"a",
		},
	} {
		r, err := newRows(&options{provider: test.provider, model: test.model}, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		row := source.Row{Line: 7, JSON: []byte(test.row)}
		got, err := r.request(row)
		if err != nil || got.Endpoint != test.want.Endpoint || got.Model != test.want.Model || !strings.Contains(test.row, string(got.Body)) {
			t.Errorf("%s: %s: %+v, %v", test.provider, test.row, got, err)
		}
		if id := r.key(row); id != test.id {
			t.Errorf("%s: %s: id %q", test.provider, test.row, id)
		}
	}
}

// What is wrong with a row names the field, and says what to do.
func TestRowsInNoBatchFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ provider, model, row, want string }{
		{"openai", "", `{"custom_id":"a","params":{"model":"claude-x"}}`, "batch format of anthropic: name it with --provider"},
		{"openai", "", `{"key":"a","request":{}}`, "batch format of gemini: name it with --provider"},
		{"openai", "", `{"custom_id":7}`, `"custom_id" is a number`},
		{"anthropic", "", `{"custom_id":"a","body":{}}`, `"params" is missing`},
		{"anthropic", "", `{"key":"a","request":{}}`, "batch format of gemini, and the provider is anthropic"},
		{"anthropic", "", `{"custom_id":"a","params":[]}`, `"params" is missing or not an object`},
		{"anthropic", "", `{"custom_id":"a","params":{}}`, `"params.model" is missing: a row`},
		{"anthropic", "claude-y", `{"custom_id":"a","params":{"model":"claude-x"}}`, "leave --model out"},
		{"anthropic", "", `{"params":{"model":"claude-x"}}`, `"custom_id" is missing (a row for anthropic needs "custom_id" and "params"`},
		{"gemini", "", `{"key":"a","request":{"contents":[]}}`, `"request.model" is missing: name the --model`},
		{"gemini", "g", `{"key":"","request":{"contents":[]}}`, `"key" is empty`},
		{"gemini", "g", `{"key":"a","request":{"x":1}}`, `"request" does not show what it calls`},
		{"gemini", "g", `{"custom_id":"a","params":{"x":1}}`, "batch format of anthropic"},
		{"mistral", "m", `{"custom_id":"a","body":{"input":"x"}}`, `add "method": "POST" and "url"`},
		{"mistral", "m", `{"custom_id":"a","url":"/v1/x","body":{"input":"x"}}`, `"method" is ""`},
		{"mistral", "m", `{"custom_id":"a","body":null}`, `"body" is missing`},
	} {
		r, err := newRows(&options{provider: test.provider, model: test.model}, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.request(source.Row{Line: 7, JSON: []byte(test.row)})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s: %v, want %q", test.provider, test.row, err, test.want)
		}
	}
}
