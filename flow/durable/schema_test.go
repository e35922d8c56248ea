package durable_test

import (
	"encoding/json"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Chats of several schemas go in batches of one schema each where the provider
// asks for that, and together where it does not. The report has one line of
// them.
func TestChatsOfSeveralSchemas(t *testing.T) {
	t.Parallel()
	for provider, batches := range map[string]int{"openai": 1, "gemini": 3} {
		durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
			w.Write("in.jsonl", durabletest.Tickets(6)...)
			job := w.BriskJob()
			if provider == "gemini" {
				client, err := gemini.New("k", gemini.Config{
					BaseURL: w.Server.URL + "/gemini", Transport: w.Server.Client().Transport, Calls: sink.EvenCalls(1_000_000),
				})
				if err != nil {
					w.T.Fatal(err)
				}
				job.Provider, job.Model = client, "gemini-test"
			}
			job.Batch.MaxItems = 6
			job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
				chat := llm.Ask(t.Text)
				switch t.ID {
				case "t-1", "t-2":
					chat.Schema = &llm.Schema{JSON: json.RawMessage(`{"type":"object","properties":{}}`)}
				case "t-3":
					chat.Schema = &llm.Schema{JSON: json.RawMessage(`{"properties":{}, "type":"object"}`)}
				case "t-4":
					chat.Schema = &llm.Schema{JSON: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}}}`)}
				}
				return chat, nil
			}
			report := w.MustRun(job)
			if n := len(w.Server.Batches()); report.Succeeded != 6 || n != batches || len(report.Routes) != 1 || report.Routes[0].Succeeded != 6 {
				w.T.Errorf("%s: %d batches, %+v", provider, n, report)
			}
		})
	}
}
