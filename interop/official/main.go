// Command official lets the official clients drive the simulator, unchanged,
// and prints how many steps each of them passed:
//
//	go run ./official              all clients
//	go run ./official npm/openai   that script alone
//	go run ./official -fast        a choice that takes seconds
//	go run ./official -hold        calls of the clients through baler serve
//	go run ./official -batches     batches of the clients through baler serve
//	go run ./official -kill        calls through baler serve, which is killed
//
// What the npm and Python clients sent is compared with what they sent before,
// in testdata/requests; -record writes that. The tests in interop/ compare it
// with what our own clients send.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
)

var (
	fast   = flag.Bool("fast", false, "run only "+fmt.Sprint(choice)+", or a choice of the others, as far as this machine can")
	hold   = flag.Bool("hold", false, "call through baler serve instead, which holds the calls until their batches have ended")
	batch  = flag.Bool("batches", false, "make batches through baler serve instead, whose route is another provider")
	kill   = flag.Bool("kill", false, "call through baler serve instead, which is killed in the middle")
	record = flag.Bool("record", false, "write what the clients sent to testdata/requests")
)

// choice is what -fast runs.
var choice = []string{"npm/openai", "python/anthropic"}

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	passed, err := run(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "official:", err)
	}
	if err != nil || !passed {
		os.Exit(1)
	}
}

// run runs what is asked for, prints the table, and reports whether all passed.
func run(ctx context.Context, names []string) (passed bool, err error) {
	switch {
	case *hold:
		return throughBaler(ctx, names, held)
	case *kill:
		return throughBaler(ctx, names, killed)
	case *batch:
		return throughBaler(ctx, names, batches)
	}
	scripts, err := findScripts(names, "", choice)
	if err != nil {
		return false, err
	}
	var rows []row
	if len(names) == 0 && !*fast {
		if rows, err = goTests(ctx); err != nil {
			return false, err
		}
	}
	for _, language := range languages {
		some := slices.DeleteFunc(slices.Clone(scripts), func(s script) bool { return s.language != language.name })
		if len(some) == 0 {
			continue
		}
		err := language.install(ctx)
		if err == nil {
			_, err = exec.LookPath(language.interpreter)
		}
		if err != nil {
			for _, s := range some {
				rows = append(rows, row{language: s.language, provider: s.provider, err: fmt.Errorf("not tried: %w", err), untried: true})
			}
			continue
		}
		for _, s := range some {
			rows = append(rows, s.run(ctx, language))
		}
	}
	return printTable(rows), nil
}
