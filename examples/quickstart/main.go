// Quickstart sorts a thousand support tickets with a language model: the whole
// way from a file to results, with no key and no network.
//
// The provider is a simulator in this process. If you stop the program with
// Ctrl-C and run it again, it goes on. If you run it once more, nothing is left
// to do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

const here = "examples/quickstart"

// Ticket is a line of tickets.jsonl.
type Ticket struct {
	ID       string  `json:"id"`
	Customer string  `json:"customer"`
	DueHours float64 `json:"due_hours"`
	Text     string  `json:"text"`
}

// Key identifies a ticket: some were sent twice.
func (t Ticket) Key() string { return t.ID }

// Prompt is what to ask about it.
func (t Ticket) Prompt() (llm.Chat, error) {
	return llm.Ask(t.Text).As("Sort this support ticket into a category and summarise it in a few words."), nil
}

// Priority is critical for what is due today, high for the next two days.
func (t Ticket) Priority() queue.Priority {
	now := time.Now()
	return queue.Config{}.Level(now.Add(time.Duration(t.DueHours*float64(time.Hour))), now)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, filepath.Join(here, "tickets.jsonl"), filepath.Join(here, "state"), os.Stdout)
	stop()
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted: run it again and it goes on")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, tickets, dir string, w io.Writer) error {
	provider, err := simulator.Start("", simulator.Config{
		Dir: filepath.Join(dir, "provider"), Latency: simulator.Latency{Processing: 2 * time.Second},
	})
	if err != nil {
		return err
	}
	defer provider.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	stateDir, err := durable.Open(filepath.Join(dir, "job"))
	if err != nil {
		return err
	}
	results := filepath.Join(dir, "results.jsonl")
	out, err := durable.Lines(results)
	if err != nil {
		return err
	}
	defer out.Close()

	report, err := durable.Run(ctx, durable.Job[Ticket]{
		Name:     "tickets",
		Source:   source.JSONL[Ticket](tickets),
		Key:      Ticket.Key,
		Prompt:   Ticket.Prompt,
		Priority: Ticket.Priority,
		Provider: client,
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxItems: 200, MaxWait: time.Second},
		Creates:  durable.Rate{Requests: 600, Per: time.Minute},
		Poll:     200 * time.Millisecond,
		Dir:      stateDir,
		Output:   out,
		Progress: printProgress(w),
	})
	if err != nil {
		return err
	}
	if err := printResults(w, results, 3); err != nil {
		return err
	}
	printReport(w, report)
	return nil
}

// printProgress prints a line whenever a batch was bought or settled.
func printProgress(w io.Writer) func(durable.Progress) {
	var last durable.Progress
	return func(p durable.Progress) {
		if p.Batches != last.Batches || p.InFlight < last.InFlight {
			fmt.Fprintf(w, "%4d tickets read, %d batches bought, %d open, %4d tickets done\n",
				p.Rows, p.Batches, p.InFlight, p.Settled())
		}
		last = p
	}
}

func printResults(w io.Writer, path string, n int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := json.NewDecoder(f)
	for range n {
		var r durable.Result
		if err := lines.Decode(&r); err != nil {
			return err
		}
		fmt.Fprintf(w, "  %s  %s\n", r.ID, r.Text)
	}
	return nil
}

func printReport(w io.Writer, r durable.Report) {
	fmt.Fprintf(w, "%d tickets, %d sent twice and asked once: %d succeeded, %d failed, in %d batches\n",
		r.Rows, r.Duplicates, r.Succeeded, r.Failed, r.Batches)
	fmt.Fprintf(w, "%d tokens in, %d out; %d answered as a ticket of the same text; %d answers were there from an earlier run; %v\n",
		r.Usage.Input, r.Usage.Output, r.Shared, r.Cached, r.Elapsed.Round(10*time.Millisecond))
}
