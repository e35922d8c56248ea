package durable

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// newRequests keeps requests for that provider.
func newRequests(tb testing.TB, base string) *requests {
	tb.Helper()
	own, services := (&Job[string]{Provider: newClient(tb, base), Model: "m"}).ownRoutes()
	return &requests{config: &config{own: own, services: services}}
}

func contentOf(tb testing.TB, r *requests, endpoint, model, body string) jobdir.Digest {
	tb.Helper()
	q, err := r.raw(&sink.Request{Endpoint: endpoint, Model: model, Body: []byte(body)})
	if err != nil {
		tb.Fatal(err)
	}
	return q.content
}

func TestBodiesThatSayTheSameHaveOneDigest(t *testing.T) {
	t.Parallel()
	r := newRequests(t, "")
	want := contentOf(t, r, "/v1/embeddings", "m", `{"input":"a/b <\u00e9\u2028>\n\"\\","n":9}`)
	same := "{ \"n\" : 9,\r\n \"input\":\"a\\/b \\u003c\u00e9\u2028\\u003E\\u000A\\u0022\\u005c\" }"
	if contentOf(t, r, "/v1/embeddings", "m", same) != want {
		t.Errorf("another digest: %s", same)
	}
}

func TestBodiesThatDifferHaveOtherDigests(t *testing.T) {
	t.Parallel()
	seen := make(map[jobdir.Digest]string)
	r := newRequests(t, "")
	add := func(endpoint, model, body string) {
		t.Helper()
		sum, text := r.digest(jobdir.Target{Endpoint: endpoint, Model: model}, r.canonical([]byte(body))), endpoint+" "+model+" "+body
		if other, ok := seen[sum]; ok {
			t.Errorf("one digest: %s and %s", text, other)
		}
		seen[sum] = text
	}
	for _, body := range []string{
		`{"n":1}`, `{"n":1.0}`, `{"n":1e0}`, `{"n":"1"}`, `{"n":9007199254740993}`, `{"n":9007199254740992}`,
		`{"n":0.1}`, `{"n":0.10000000000000001}`, `{"n":[1,2]}`, `{"n":[2,1]}`, `{"n":1,"n":2}`, `{"n":2,"n":1}`,
		`{"a":1,"b":2}`, `{"a":2,"b":1}`, `{"n":"\ud800"}`, "{\"n\":\"\xff\"}", "{\"n\":\"\xfe\"}", `{"n":"a b"}`, `{"n":"a  b"}`,
	} {
		add("/v1/embeddings", "m", body)
	}
	add("/v1/embeddings", "n", `{"n":1}`)
	add("/v1/moderations", "m", `{"n":1}`)
}

// A chat is kept as it is: its digest names no provider and no model.
func TestAChatIsKeptWithoutItsProvider(t *testing.T) {
	t.Parallel()
	chat := llm.Ask("a/b <\u00e9\u2028>\n\"\\\xff").As("Be brief.")
	here, err1 := newRequests(t, "").chat(jobdir.Target{}, &chat)
	there, err2 := newRequests(t, "https://example.com/v1").chat(jobdir.Target{}, &chat)
	named, err3 := newRequests(t, "").chat(jobdir.Target{Model: "other"}, &chat)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if here.content != there.content || here.target != (jobdir.Target{}) || named.content != here.content || named.target.Model != "other" {
		t.Errorf("%+v, %+v and %+v", here.target, there.target, named.target)
	}
	e := jobdir.Entry{Key: "k"}
	kept, err := e.Request(append(e.RequestHead(), here.record...))
	chat.Messages[1].Text = strings.ToValidUTF8(chat.Messages[1].Text, "\ufffd")
	if diff := cmp.Diff(&chat, kept.Chat); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
}

// The short way to write a chat of texts gives the bytes of the long one.
func TestAPlainChatIsWrittenAsAnyOther(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", `\`, `\"`, `"\\"}]}`, `","text":"`, "<&>\u2028\u2029\x7f\x00\x1f\b\f\n\r\t\"\\", "\xff\xfe \U0001f600"} {
		plain := llm.Ask(text).As(text)
		full := plain
		full.MaxTokens = 1
		short, err1 := jobdir.AppendChat(nil, &plain)
		long, err2 := jobdir.AppendChat(nil, &full)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(string(long), `,"max_tokens":1`, "", 1); string(short) != want {
			t.Errorf("%s, want %s", short, want)
		}
		e := jobdir.Entry{Key: "k"}
		read, err1 := e.Request(append(e.RequestHead(), short...))
		same, err2 := e.Request(append(e.RequestHead(), long...))
		if diff := cmp.Diff(read.Chat.Messages, same.Chat.Messages); diff != "" || errors.Join(err1, err2) != nil {
			t.Errorf("%q is read as another: %s, %v", text, diff, errors.Join(err1, err2))
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	text := strings.Repeat("The parcel has not arrived, please look into it. ", 19)
	r, chat := newRequests(b, ""), llm.Ask("Summarise: "+text)
	body, err := newClient(b, "").Info().Codec.Encode("m", chat)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("chat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.chat(jobdir.Target{}, &chat); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("body", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.raw(&sink.Request{Endpoint: "/v1/chat/completions", Model: "m", Body: body}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
