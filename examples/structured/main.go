// Structured reads support tickets into a Go type: each answer is asked for in
// the schema of the type, checked, and asked for again if it is wrong.
//
// The provider is a simulator in this process. It answers the third ticket
// wrongly at first: with an urgency that the type does not have.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Sorted is what is asked about a ticket.
type Sorted struct {
	Reason   string   `json:"reason" jsonschema:"why the ticket is as urgent as that, in a sentence"`
	Urgency  Urgency  `json:"urgency"`
	Products []string `json:"products" jsonschema:"the products that the ticket names"`
	Refund   float64  `json:"refund,omitempty" jsonschema:"the amount in euros, if the customer wants money back"`
}

// Urgency is one of a few words.
type Urgency string

// JSONSchema says which.
func (Urgency) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"type":"string","enum":["low","high"]}`)
}

var tickets = []string{
	"My invoice 17 was charged twice, please refund 12.50 euros.",
	"How do I change the colour of the Widget?",
	"The Widget does not start any more!",
	"Thanks for the quick help.",
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, w io.Writer) error {
	provider, err := simulator.Start("", simulator.Config{Answer: answer})
	if err != nil {
		return err
	}
	defer provider.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	if err != nil {
		return err
	}
	defer client.CloseIdle()

	var lines []string
	report, err := durable.Run(ctx, durable.Job[string]{
		Name:     "sort-tickets",
		Source:   source.Seq("tickets", slices.Values(tickets)),
		Key:      func(ticket string) string { return ticket },
		Prompt:   func(ticket string) (llm.Chat, error) { return llm.Ask(ticket).As("Sort this support ticket."), nil },
		Answer:   llm.JSON[Sorted](),
		Provider: client,
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxWait: 100 * time.Millisecond},
		Poll:     50 * time.Millisecond,
		Output: durable.Each(func(_ context.Context, r durable.Result) error {
			sorted, err := durable.Value[Sorted](r)
			if err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%-4s %v %.2f asked %d times: %s", sorted.Urgency, sorted.Products, sorted.Refund, r.Attempts, r.ID))
			return nil
		}),
	})
	if err != nil {
		return err
	}
	slices.Sort(lines) // answers come in any order
	fmt.Fprintf(w, "%s\n%d tickets are sorted, %d failed\n", strings.Join(lines, "\n"), report.Succeeded, report.Failed)
	return nil
}

// answer plays the model. OpenAI is asked for every member, so that null says
// that there is no refund.
func answer(row simulator.Row) simulator.Reply {
	body := string(row.Body)
	switch {
	case strings.Contains(body, "refund 12.50"):
		return simulator.Reply{Text: `{"reason":"money","urgency":"high","products":[],"refund":12.50}`}
	case strings.Contains(body, "at /urgency: value must be one of 'low', 'high'"):
		return simulator.Reply{Text: `{"reason":"it is broken","urgency":"high","products":["Widget"],"refund":null}`}
	case strings.Contains(body, "does not start"):
		return simulator.Reply{Text: `{"reason":"it is broken","urgency":"very","products":["Widget"],"refund":null}`}
	case strings.Contains(body, "Widget"):
		return simulator.Reply{Text: `{"reason":"a question","urgency":"low","products":["Widget"],"refund":null}`}
	}
	return simulator.Reply{Text: "```json\n" + `{"reason":"thanks","urgency":"low","products":[],"refund":null}` + "\n```"}
}
