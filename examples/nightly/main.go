// Nightly sorts the orders of three shops with a language model, every night
// what has come since the night before.
//
// The orders are in three CSV files, which are one run: in their order, with the
// file and the line of each order in its result. If the files have grown, or
// there is another one, the same run goes on with the new rows alone. So the
// program can be started by cron. All answers are in one CSV file, each once.
//
// The provider is a simulator in this process. The program plays two nights.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Order is a row of a file. All that a CSV file has is texts.
type Order struct {
	ID   string `json:"order"`
	Text string `json:"text"`
}

// Prompt is what is asked about an order.
func (o Order) Prompt() (llm.Chat, error) {
	return llm.Ask(o.Text).As("Sort this order into a category and summarise it in a few words."), nil
}

func main() {
	dir, err := os.MkdirTemp("", "nightly-")
	if err == nil {
		err = twoNights(context.Background(), dir, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("everything is in", dir)
}

// twoNights plays two nights: in the second one, a shop has more orders, and
// there is a fourth shop.
func twoNights(ctx context.Context, dir string, w io.Writer) error {
	provider, err := simulator.Start("", simulator.Config{Dir: filepath.Join(dir, "provider")})
	if err != nil {
		return err
	}
	defer provider.Close()
	shops := map[string]string{
		"1-berlin.csv": "order,text\nB-1,two lamps\nB-2,\"a table, oak\"\n",
		"2-paris.csv":  "order;text\nP-1;one chair\n", // as spreadsheets write it there
		"3-rome.csv":   "order,text\nR-1,a bed\nR-2,four lamps\n",
	}
	if err := write(dir, shops); err != nil {
		return err
	}
	if err := night(ctx, dir, provider.URL, w); err != nil {
		return err
	}
	shops = map[string]string{"3-rome.csv": shops["3-rome.csv"] + "R-3,a shelf\n", "4-oslo.csv": "order,text\nO-1,a sledge\n"}
	if err := write(dir, shops); err != nil {
		return err
	}
	return night(ctx, dir, provider.URL, w)
}

func write(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// night is what cron starts.
func night(ctx context.Context, dir, providerURL string, w io.Writer) error {
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: providerURL + "/v1"})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	paths, err := filepath.Glob(filepath.Join(dir, "?-*.csv")) // in their order
	if err != nil {
		return err
	}
	var files []*source.File[Order]
	for _, path := range paths {
		files = append(files, source.CSV[Order](path))
	}
	stateDir, err := durable.Open(filepath.Join(dir, "state"))
	if err != nil {
		return err
	}
	out, err := durable.CSV(filepath.Join(dir, "sorted.csv"), durable.CSVColumns{})
	if err != nil {
		return err
	}
	defer out.Close()
	report, err := durable.Run(ctx, durable.Job[Order]{
		Name:     "orders",
		Source:   source.Concat(files...).Growing(),
		Append:   true,
		Lineage:  true,
		Key:      func(o Order) string { return o.ID },
		Prompt:   Order.Prompt,
		Provider: client,
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxWait: 100 * time.Millisecond},
		Poll:     50 * time.Millisecond,
		Dir:      stateDir,
		Output:   out,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d orders of %d shops, %d of them new: %d sorted, %d failed\n",
		report.Rows, len(paths), report.Rows-report.Earlier.Rows, report.Succeeded, report.Failed)
	return nil
}
