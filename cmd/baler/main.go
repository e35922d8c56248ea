// Command baler runs very many LLM requests through a provider's batch API.
//
//	baler run tickets.jsonl --out results.jsonl --provider openai --model M --prompt 'Summarise: {{.text}}'
//	baler simulate --addr 127.0.0.1:8080
//	baler status tickets
//	baler cancel tickets
//
// It exits with 0 if every row succeeded, 1 if some failed or the run was
// cancelled, 2 for a mistake in the command or its input, and 3 if it stopped
// and can be run again.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/balerhq/baler/internal/printable"
)

// maxLine bounds a line that is printed for people, in bytes: it may quote the
// provider.
const maxLine = 8 << 10

// plain makes a text that may quote the provider fit for the terminal.
func plain(s string) string { return printable.Line(s, maxLine) }

func main() { os.Exit(run()) }

// errInterrupted is why the context of a command ends on a signal.
var errInterrupted = errors.New("interrupted")

func run() int {
	defer startProfile()()
	keepPrivate()
	ctx, stop := interruptible()
	defer stop()
	err := newRoot().ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(os.Stderr, "baler: %s\n", printable.Text(words(err), maxLine))
	}
	return exitCode(err)
}

// interruptible returns a context that the first SIGINT or SIGTERM ends. The
// second kills the process, as usual.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-signals:
			signal.Stop(signals)
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-done
	}
}
