// Invoices reads PDFs into a Go type, and says for each of its fields on which
// page it stands.
//
// Anthropic takes no schema beside citations, so the answer is asked for as JSON
// in the prompt. The fields of the type are nested, and the citations are mapped
// to them by what they say. The provider is a simulator in this process.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/simulator"
)

// Invoice is what is wanted of a PDF.
type Invoice struct {
	Vendor string `json:"vendor"`
	Total  struct {
		Amount   float64 `json:"amount"`
		Currency string  `json:"currency"`
	} `json:"total"`
	Lines []struct {
		Item string `json:"item"`
	} `json:"lines"`
}

const question = `Answer in JSON alone: {"vendor": ..., "total": {"amount": ..., "currency": ...}, "lines": [{"item": ...}]}`

func main() {
	dir, err := os.MkdirTemp("", "invoices-")
	if err == nil {
		err = run(context.Background(), dir, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string, w io.Writer) error {
	path := filepath.Join(dir, "invoice.pdf")
	pdf := documenttest.PDF("Invoice of Acme Corp, 12 Main Street", "One anvil. Amount due: USD 1,200.50 until March 5") // two pages
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		return err
	}
	provider, err := simulator.Start("", simulator.Config{Answer: read})
	if err != nil {
		return err
	}
	defer provider.Close()
	client, err := anthropic.New("sk-ant-simulated", anthropic.Config{BaseURL: provider.URL + "/anthropic"})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	_, err = durable.Run(ctx, durable.Job[string]{
		Name:   "invoices",
		Source: source.Seq("invoices", slices.Values([]string{path})),
		Key:    filepath.Base,
		Prompt: func(path string) (llm.Chat, error) {
			return llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{llm.FromPath(path).Cited(), {Text: question}}}}}, nil
		},
		Provider: client,
		Model:    "claude-haiku-5.5",
		Batch:    durable.BatchLimits{MaxWait: 100 * time.Millisecond},
		Poll:     50 * time.Millisecond,
		Output:   durable.Each(func(_ context.Context, r durable.Result) error { return show(w, r) }),
	})
	return err
}

// show prints an invoice, and where its fields are from.
func show(w io.Writer, r durable.Result) error {
	var invoice Invoice
	text := r.Text[max(0, strings.IndexByte(r.Text, '{')):]
	if err := json.Unmarshal([]byte(text), &invoice); err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s wants %.2f %s for %s\n", r.ID, invoice.Vendor, invoice.Total.Amount, invoice.Total.Currency, invoice.Lines[0].Item)
	for _, f := range r.Fields {
		where := "nowhere"
		if len(f.Sources) > 0 {
			best := f.Sources[0]
			where = fmt.Sprintf("page %d, by %s", r.Citations[best.Citation].From, best.Rule)
		}
		fmt.Fprintf(w, "  %-16s %s\n", f.Path, where)
	}
	return nil
}

// read plays the model.
func read(simulator.Row) simulator.Reply {
	return simulator.Reply{
		Text: `Here: {"vendor": "Acme Corp", "total": {"amount": 1200.5, "currency": "USD"}, "lines": [{"item": "anvil"}]}`,
		Citations: []simulator.Citation{
			{Kind: "page", Start: 1, End: 2, Text: "Invoice of Acme Corp, 12 Main Street"},
			{Kind: "page", Start: 2, End: 3, Text: "One anvil. Amount due: USD 1,200.50 until March 5"},
		},
	}
}
