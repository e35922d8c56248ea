package durable_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

type summary struct {
	Why  string   `json:"why"`
	Kind string   `json:"kind,omitempty"`
	Tags []string `json:"tags"`
}

// A result has the typed value of its answer, also when it is read from the
// archive and when the run was resumed. Null stands for what may be absent.
func TestAnAnswerHasAValue(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply {
		return simulator.Reply{Text: "```json\n{\"why\":\"late\",\"kind\":null,\"tags\":[\"a\"]}\n```"}
	}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(20)...)
		job := w.BriskJob()
		job.Answer, job.Batch.MaxItems = llm.JSON[summary](), 5
		if _, err := w.StopAfter(1, job); !errors.Is(err, durabletest.ErrEnough) {
			w.T.Fatal(err)
		}
		if report := w.MustRun(job); report.Succeeded != 20 {
			w.T.Errorf("report %+v", report)
		}
		for id, r := range w.Results() {
			value, err := durable.Value[summary](r)
			if err != nil || value.Why != "late" || !slices.Equal(value.Tags, []string{"a"}) || string(r.Value) != `{"why":"late","tags":["a"]}` {
				w.T.Fatalf("%s: %+v, %s, %v", id, value, r.Value, err)
			}
		}
		for _, ordered := range []bool{false, true} {
			got, _ := durabletest.Collect(w.T, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec, Ordered: ordered}))
			if want := slices.Sorted(slices.Values(w.Lines())); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
				w.T.Errorf("ordered %t: the archive has %v, the output %v", ordered, got, want)
			}
		}
	})
}

// An answer that does not meet the schema is asked for again with what is
// wrong, and fails with its text if it stays so. The Check comes after that.
func TestAnAnswerThatDoesNotMeetTheSchemaIsAskedForAgain(t *testing.T) {
	t.Parallel()
	var told, checked atomic.Int64
	durabletest.Bubble(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		body := string(r.Body)
		switch again := strings.Contains(body, "cannot be used"); {
		case strings.Contains(body, "number 7"):
			return simulator.Reply{Text: `{"why":7}`}
		case again:
			if strings.Contains(body, "at /why: got number, want string; missing property 'tags'") {
				told.Add(1)
			}
			return simulator.Reply{Text: `{"why":"late","tags":[]}`}
		}
		return simulator.Reply{Text: `{"why":1}`}
	}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		job := unguarded(w.BriskJob())
		job.Answer = llm.JSON[summary]()
		job.Check = func(string, llm.Reply) error { checked.Add(1); return nil }
		report := w.MustRun(job)
		if report.Succeeded != 9 || report.Failures[sink.CodeInvalidAnswer] != 1 || told.Load() != 9 || checked.Load() != 9 {
			w.T.Errorf("report %+v, told %d times, checked %d times", report, told.Load(), checked.Load())
		}
		r := w.Results()["t-7"]
		if _, err := durable.Value[summary](r); r.Error == nil || r.Error.Code != sink.CodeInvalidAnswer || r.Text != `{"why":7}` || r.Value != nil || r.Attempts != 2 || err == nil {
			w.T.Errorf("%+v, %v", r, err)
		}
	})
}

// What ended an answer early is told as that, whatever its text looks like.
func TestACutAnswerIsNoInvalidOne(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply {
		return simulator.Reply{Text: `{"why":"la`, FinishReason: "length"}
	}}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(4)...)
		job := unguarded(w.BriskJob())
		job.Answer = llm.JSON[summary]()
		if report := w.MustRun(job); report.Failures["max_tokens"] != 4 {
			w.T.Errorf("report %+v", report)
		}
	})
}

// A schema that a route cannot send is refused with the route, before anything
// is read or bought.
func TestASchemaThatARouteCannotSend(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	claude, err := anthropic.New("k", anthropic.Config{BaseURL: w.Server.URL})
	if err != nil {
		t.Fatal(err)
	}
	w.Write("in.jsonl", durabletest.Tickets(4)...)
	job := w.Job()
	job.Provider, job.Model = nil, ""
	job.Routes = []durable.Route{{Name: "mini", Provider: w.Provider, Model: "m"}, {Name: "claude", Provider: claude, Model: "c"}}
	job.Answer = llm.JSONSchema(llm.Schema{JSON: json.RawMessage(`{"type":"object","properties":{"a":{"$ref":"#"}},"required":[]}`)})
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `route "claude": the schema cannot be sent to Anthropic: #/properties/a contains the whole schema`) {
		t.Errorf("error %v", err)
	}
	job.Answer = llm.JSON[map[string]string]()
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `route "mini": the schema cannot be sent to OpenAI's strict mode: # is an object of any members`) {
		t.Errorf("error %v", err)
	}
	job.Answer = llm.JSON[chan int]()
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "chan int") {
		t.Errorf("error %v", err)
	}
	if n := w.Billed(); n != 0 {
		t.Errorf("%d answers", n)
	}
}

// A job goes on with the schema that it began with.
func TestTheSchemaOfAJobStays(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	job := w.Job()
	job.Answer, job.Batch.MaxItems = llm.JSON[summary](), 5
	if _, err := w.StopAfter(0, job); !errors.Is(err, durabletest.ErrEnough) {
		t.Fatal(err)
	}
	job.Answer = llm.JSON[struct{ Why string }]()
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "another answer schema") {
		t.Errorf("error %v", err)
	}
}

// The schema goes into requests that are chats. Others are refused, and chats
// with a schema of their own.
func TestTheSchemaNeedsAChat(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","messages":[{"role":"user","content":"hi"}]}`:                                                                                 "",
		`{"model":"m","messages":[{"role":"user","content":"hi"}],"unheard_of":1}`:                                                                  "cannot be read as a chat",
		`{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}}}`: "a Schema of its own",
	} {
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(2)...)
			job := w.BriskJob()
			job.Answer, job.Prompt = llm.JSON[summary](), nil
			job.Request = func(durabletest.Ticket) (sink.Request, error) {
				return sink.Request{Endpoint: "/v1/chat/completions", Model: "m", Body: json.RawMessage(body)}, nil
			}
			report, err := w.Run(w.T.Context(), job)
			if want == "" && (err != nil || report.Succeeded != 2) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				w.T.Errorf("%s: %+v, %v", body, report, err)
			}
		})
	}
}

// A cut answer is asked for again with twice the tokens that it had, up to a
// limit, in the place where the chat has its own.
func TestACutAnswerIsAskedForWithMoreTokens(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]llm.Options{"max_completion_tokens": nil, "max_tokens": {"max_tokens": json.RawMessage("100")}} {
		durabletest.Bubble(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
			var body map[string]any
			if err := json.Unmarshal(r.Body, &body); err != nil {
				return simulator.Reply{Text: err.Error()}
			}
			limit, _ := body[name].(float64)
			needed := 300.0
			if strings.Contains(string(r.Body), "number 7") {
				needed = 1000
			}
			if limit < needed {
				return simulator.Reply{Text: "half of", FinishReason: "length", OutputTokens: int64(limit)}
			}
			return simulator.Reply{Text: "all of it", OutputTokens: int64(needed)}
		}}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(10)...)
			job := unguarded(w.BriskJob())
			job.RetryTruncated = 700
			job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
				chat := llm.Ask(t.Text)
				if chat.Options = options; options == nil {
					chat.MaxTokens = 100
				}
				return chat, nil
			}
			report := w.MustRun(job)
			if report.Succeeded != 9 || report.Failures["max_tokens"] != 1 || report.Usage.Output != 9*(100+200+300)+100+200+400+700 {
				w.T.Errorf("%s: report %+v", name, report)
			}
			for id, r := range w.Results() {
				if want := map[bool]int{true: 4, false: 3}[id == "t-7"]; r.Attempts != want {
					w.T.Errorf("%s: %+v", id, r)
				}
			}
		})
	}
}
