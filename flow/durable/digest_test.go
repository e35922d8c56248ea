package durable

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

func newClient(tb testing.TB, base string) *openai.Client {
	tb.Helper()
	c, err := openai.New("sk-test", openai.Config{BaseURL: base})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func chat(model, body string) *sink.Request {
	return &sink.Request{Endpoint: "/v1/chat/completions", Model: model, Body: []byte(body)}
}

func TestDigestsOfWhatSaysTheSame(t *testing.T) {
	t.Parallel()
	d := newDigester(newClient(t, ""))
	endpoint := newClient(t, "").Endpoint()
	body, err := newClient(t, "").Encode("m", llm.Chat{
		Messages: []llm.Message{{Role: llm.RoleUser, Text: "a/b <\u00e9\u2028>\n\"\\"}}, MaxTokens: 9,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := d.digest(&sink.Request{Endpoint: endpoint, Model: "m", Body: body}, true)
	for _, same := range []string{
		`{"max_completion_tokens":9,"messages":[{"content":"a/b <\u00e9\u2028>\n\"\\","role":"user"}],"model":"m"}`,
		"{ \"messages\" : [ {\t\"role\":\"user\", \"content\":\"a\\/b \\u003c\u00e9\u2028\\u003E\\u000A\\u0022\\u005c\"} ],\r\n \"model\":\"m\", \"max_completion_tokens\" : 9 }",
	} {
		if d.digest(chat("m", same), false) != want {
			t.Errorf("another digest: %s", same)
		}
	}
}

func TestDigestsOfWhatDiffers(t *testing.T) {
	t.Parallel()
	seen := make(map[jobdir.Digest]string)
	add := func(d *digester, r *sink.Request) {
		t.Helper()
		sum, text := d.digest(r, false), d.provider+" "+r.Endpoint+" "+r.Model+" "+string(r.Body)
		if other, ok := seen[sum]; ok {
			t.Errorf("one digest: %s and %s", text, other)
		}
		seen[sum] = text
	}
	d := newDigester(newClient(t, ""))
	for _, body := range []string{
		`{"n":1}`, `{"n":1.0}`, `{"n":1e0}`, `{"n":"1"}`, `{"n":9007199254740993}`, `{"n":9007199254740992}`,
		`{"n":0.1}`, `{"n":0.10000000000000001}`, `{"n":[1,2]}`, `{"n":[2,1]}`, `{"n":1,"n":2}`, `{"n":2,"n":1}`,
		`{"a":1,"b":2}`, `{"a":2,"b":1}`, `{"n":"\ud800"}`, "{\"n\":\"\xff\"}", "{\"n\":\"\xfe\"}", `{"n":"a b"}`, `{"n":"a  b"}`,
	} {
		add(d, chat("m", body))
	}
	add(d, chat("n", `{"n":1}`))
	add(d, &sink.Request{Endpoint: "/v1/responses", Model: "m", Body: []byte(`{"n":1}`)})
	add(newDigester(newClient(t, "https://example.com/v1")), chat("m", `{"n":1}`))
}

func BenchmarkDigest(b *testing.B) {
	text := strings.Repeat("The parcel has not arrived, please look into it. ", 19)
	endpoint := newClient(b, "").Endpoint()
	body, err := newClient(b, "").Encode("gpt-5.4-mini", llm.Ask("Summarise: "+text))
	if err != nil {
		b.Fatal(err)
	}
	d, r := newDigester(newClient(b, "")), &sink.Request{Endpoint: endpoint, Model: "gpt-5.4-mini", Body: body}
	for name, encoded := range map[string]bool{"of a codec": true, "of a request": false} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				d.digest(r, encoded)
			}
		})
	}
}
