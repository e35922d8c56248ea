package durable_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/cite"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/simulator"
)

// invoice is what is wanted of each PDF.
type invoice struct {
	Vendor string `json:"vendor"`
	Total  struct {
		Amount   float64 `json:"amount"`
		Currency string  `json:"currency"`
	} `json:"total"`
}

// readInvoice is the model.
func readInvoice(simulator.Row) simulator.Reply {
	return simulator.Reply{
		Text: `Here: {"vendor": "Acme Corp", "total": {"amount": 1200.5, "currency": "USD"}}`,
		Citations: []simulator.Citation{
			{Kind: "page", Start: 1, End: 2, Text: "Invoice of Acme Corp, 12 Main Street"},
			{Kind: "page", Start: 2, End: 3, Text: "Amount due: USD 1,200.50 until March 5"},
		},
	}
}

// Each row is a PDF. Its answer is a struct, and each of its fields says where
// in the PDF it is from.
func Example_citations() {
	dir := must(os.MkdirTemp("", "example"))
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "invoice.pdf")
	if err := os.WriteFile(path, documenttest.PDF("Invoice of Acme Corp, 12 Main Street", "Amount due: USD 1,200.50 until March 5"), 0o600); err != nil {
		fmt.Println(err)
	}
	provider := must(simulator.Start("", simulator.Config{Answer: readInvoice}))
	defer provider.Close()
	client := must(anthropic.New("sk-ant-any", anthropic.Config{BaseURL: provider.URL + "/anthropic"}))
	defer client.CloseIdle()
	_, err := durable.Run(context.Background(), durable.Job[string]{
		Name:   "invoices",
		Source: source.Seq("invoices", slices.Values([]string{path})),
		Key:    filepath.Base,
		Prompt: func(path string) (llm.Chat, error) {
			question := llm.Part{Text: `Answer in JSON alone: {"vendor": ..., "total": {"amount": ..., "currency": ...}}`}
			return llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{llm.FromPath(path).Cited(), question}}}}, nil
		},
		Provider: client, Model: "claude-haiku-5.5", Poll: 20 * time.Millisecond, Log: durabletest.Quiet,
		Output: durable.Each(func(_ context.Context, r durable.Result) error {
			mapped, err := cite.Map(llm.Reply{Text: r.Text, Citations: r.Citations})
			if err != nil {
				return err
			}
			var answer invoice
			if err := json.Unmarshal(mapped.Answer, &answer); err != nil {
				return err
			}
			fmt.Println(answer.Vendor, answer.Total.Amount, answer.Total.Currency)
			for _, f := range mapped.Fields {
				fmt.Printf("%s: page %d, by %s, %s confidence\n", f.Path, f.Sources[0].From, f.Sources[0].Rule, f.Sources[0].Level())
			}
			return nil
		}),
	})
	if err != nil {
		fmt.Println(err)
	}

	// Output:
	// Acme Corp 1200.5 USD
	// $.vendor: page 1, by exact, high confidence
	// $.total.amount: page 2, by number, high confidence
	// $.total.currency: page 2, by exact, medium confidence
}
