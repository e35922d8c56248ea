package durable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// An option that the provider refuses ends the run with its line before
// anything is bought, whatever the request is kept as.
func TestARefusedOptionIsNamedBeforeAnythingIsBought(t *testing.T) {
	t.Parallel()
	type job = durable.Job[durabletest.Ticket]
	request := func(endpoint, body string) func(*job) {
		return func(j *job) {
			j.Prompt = nil
			j.Request = func(t durabletest.Ticket) (sink.Request, error) {
				if t.ID == "t-0" {
					const good = `{"model":"gpt-test","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`
					return sink.Request{Endpoint: anthropic.MessagesEndpoint, Model: "gpt-test", Body: []byte(good)}, nil
				}
				return sink.Request{Endpoint: endpoint, Model: "gpt-test", Body: []byte(body)}, nil
			}
		}
	}
	warm := 1.0
	for name, test := range map[string]struct {
		change func(*job)
		option string
	}{
		"a chat": {func(j *job) {
			j.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
				chat := llm.Ask(t.Text)
				if t.ID == "t-1" {
					chat.Temperature = &warm
				}
				return chat, nil
			}
		}, "temperature"},
		"a body that is a chat": {
			request("/v1/messages", `{"model":"gpt-test","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"top_k":5}`), "top_k",
		},
		"a body of another model": {
			request("/v1/messages", `{"model":"other","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"top_k":5}`), "top_k",
		},
		"a body that is no chat": {
			request("/v1/messages", `{"model":"gpt-test","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result"}]}],"top_p":1}`), "top_p",
		},
		"a body that streams": {
			request("/v1/messages", `{"model":"gpt-test","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":true}`), "stream",
		},
		"a body in another format": {
			request("/v1/chat/completions", `{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"temperature":1}`), "temperature",
		},
	} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		j := w.Job()
		j.Provider, j.Formats = withCodec{w.Provider, new(anthropic.Codec)}, catalog.Formats("anthropic")
		test.change(&j)
		_, err := w.Run(t.Context(), j)
		refused, is := errors.AsType[*llm.RefusedOptionError](err)
		if !is || refused.Option != test.option || !strings.Contains(err.Error(), "in.jsonl:2: ") || !strings.Contains(err.Error(), "leave it out") {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(w.Server.Batches()); n != 0 || w.Billed() != 0 {
			t.Errorf("%s: %d batches, %d answers", name, n, w.Billed())
		}
	}
}

// A chat of texts whose roles are in an order that not every provider takes is
// refused with its line, too.
func TestAnInstructionAmongTheTurnsIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	job := w.Job()
	job.Provider = withCodec{w.Provider, new(anthropic.Codec)}
	job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
		return llm.Ask(t.Text).Then(llm.Message{Role: llm.RoleSystem, Text: "Be brief."}), nil
	}
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(fmt.Sprint(err), `in.jsonl:1: `) || !strings.Contains(err.Error(), `the role "system"`) {
		t.Error(err)
	}
}
