// Command withsimulator runs a command while a simulator listens, and exits as
// the command does. The variable SIMULATOR_URL holds the simulator's URL:
//
//	go run ./withsimulator node npm/openai.mjs
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: withsimulator command [argument...]")
		os.Exit(2)
	}
	err := run(os.Args[1], os.Args[2:])
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(max(exit.ExitCode(), 1))
	case err != nil:
		fmt.Fprintln(os.Stderr, "withsimulator:", err)
		os.Exit(1)
	}
}

func run(name string, args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	srv, err := simulator.Start("", simulator.Config{
		Keys:    []string{"sk-interop", "sk-other"},
		Latency: simulator.Latency{Processing: 300 * time.Millisecond},
	})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "SIMULATOR_URL="+srv.URL)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return errors.Join(cmd.Run(), srv.Close())
}
