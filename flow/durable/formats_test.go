package durable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A request in another provider's format is a chat for the job's model, and
// asks the same as that chat.
func TestARequestInAnotherFormatIsAChat(t *testing.T) {
	t.Parallel()
	for endpoint, format := range map[string]string{
		"/v1/messages": `{"model":"claude-haiku-5.5","max_tokens":100,"messages":[{"role":"user","content":[{"type":"text","text":%q}]}]}`,
		"/v1beta/models/gemini-3.6-flash:generateContent": `{"contents":[{"role":"user","parts":[{"text":%q}]}],"generationConfig":{"maxOutputTokens":100}}`,
	} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		job := w.Job()
		job.Prompt, job.Formats = nil, catalog.Formats("openai")
		job.Request = func(t durabletest.Ticket) (sink.Request, error) {
			return sink.Request{Endpoint: endpoint, Model: "of another", Body: fmt.Appendf(nil, format, t.Text)}, nil
		}
		report := w.MustRun(job)
		if report.Succeeded != 20 || len(report.Routes) != 1 || report.Routes[0].Model != "gpt-test" || report.Routes[0].Endpoint != "/v1/chat/completions" {
			t.Errorf("%s: %+v", endpoint, report)
		}
	}
}

// A request to an endpoint that the provider's own codec reads is in the
// provider's format, even if a format of others has that endpoint.
func TestARequestToAnOwnEndpointStaysAsItIs(t *testing.T) {
	t.Parallel()
	other, err := openai.NewCodec("")
	if err != nil {
		t.Fatal(err)
	}
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(2)...)
	job := w.Job()
	job.Prompt, job.Formats = nil, []llm.Codec{other}
	job.Request = func(t durabletest.Ticket) (sink.Request, error) {
		if t.ID == "t-0" {
			return sink.Request{Endpoint: "/v1/chat/completions", Model: "gpt-own", Body: fmt.Appendf(nil, `{"model":"gpt-own","messages":[{"role":"user","name":"not known here","content":%q}]}`, t.Text)}, nil
		}
		return sink.Request{Endpoint: "/v1/responses", Model: "gpt-own", Body: fmt.Appendf(nil, `{"model":"gpt-own","input":%q}`, t.Text)}, nil
	}
	report := w.MustRun(job)
	var to []string
	for _, r := range report.Routes {
		to = append(to, r.Endpoint+" "+r.Model)
	}
	slices.Sort(to)
	if want := []string{"/v1/chat/completions gpt-own", "/v1/responses gpt-own"}; report.Succeeded != 2 || !slices.Equal(to, want) {
		t.Errorf("%+v: %q", report, to)
	}
}

// Some providers name the model in the batch, and not in a body.
func TestABodyWithoutAModelIsAChat(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(2)...)
	job := w.Job()
	job.Provider, job.Prompt = withCodec{w.Provider, mistral.NewCodec()}, nil
	job.Request = func(t durabletest.Ticket) (sink.Request, error) {
		return sink.Request{Endpoint: mistral.ChatEndpoint, Model: "gpt-own", Body: fmt.Appendf(nil, `{"messages":[{"role":"user","content":%q}]}`, t.Text)}, nil
	}
	// The simulator refuses a body without a model, so what is sent has one.
	if report := w.MustRun(job); report.Succeeded != 2 || len(report.Routes) != 1 || report.Routes[0].Model != "gpt-own" {
		t.Errorf("%+v", report)
	}
}

// OpenAI and Mistral have an endpoint of the same name.
func TestARequestMayBeInEitherFormatOfItsEndpoint(t *testing.T) {
	t.Parallel()
	for body, refused := range map[string]string{
		`{"model":"m","max_completion_tokens":9,"messages":[{"role":"user","content":"hi"}],"verbosity":"low"}`: `"verbosity"`,
		`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"safe_prompt":true}`:           `"safe_prompt"`,
		`{"model":"m","messages":[{"role":"user","content":"hi","name":"x"}]}`:                                  `"messages[0].name"`,
	} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(1)...)
		job := w.Job()
		job.Provider, job.Formats, job.Prompt = withCodec{w.Provider, new(anthropic.Codec)}, catalog.Formats("anthropic"), nil
		job.Request = func(durabletest.Ticket) (sink.Request, error) {
			return sink.Request{Endpoint: "/v1/chat/completions", Model: "m", Body: []byte(body)}, nil
		}
		// Each is read, so that it is an option which has no place at
		// Anthropic.
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "in.jsonl:1: ") || !strings.Contains(err.Error(), refused) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// One that is no chat is refused before anything is bought, with the member.
func TestARequestInAnotherFormatThatIsNoChatIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, want string
		change     func(*durable.Job[durabletest.Ticket])
	}{
		"a member":  {`{"model":"m","max_tokens":9,"messages":[],"mcp_servers":[{"url":"x"}]}`, "mcp_servers", nil},
		"no model":  {`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`, "set Job.Model", func(j *durable.Job[durabletest.Ticket]) { j.Model = "" }},
		"an option": {`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"top_k":5}`, "top_k", nil},
	} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(1)...)
		job := w.Job()
		job.Prompt, job.Formats = nil, catalog.Formats("openai")
		job.Request = func(durabletest.Ticket) (sink.Request, error) {
			return sink.Request{Endpoint: "/v1/messages", Model: "m", Body: []byte(test.body)}, nil
		}
		if test.change != nil {
			test.change(&job)
		}
		_, err := w.Run(t.Context(), job)
		if err == nil || !strings.Contains(err.Error(), "in.jsonl:1") || !strings.Contains(err.Error(), test.want) || len(w.Server.Batches()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
