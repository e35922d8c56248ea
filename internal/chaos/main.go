//go:build unix

// Command chaos holds baler to its promise: it runs the real command as
// processes against a provider that shares no code with it. It kills, stops,
// disturbs and rivals the command while the provider fails in all ways that a
// seed draws. In the end it compares the output, the provider's bill and the
// leftovers with the input.
//
//	go run ./internal/chaos -worlds 20 -kills 200                   # twenty worlds from a seed
//	go run ./internal/chaos -provider anthropic -world 7f3a... -v   # one of them again
//
// The provider speaks OpenAI's protocol in one world and Anthropic's in the
// next, unless -provider says which. Anthropic's keeps no tag with a batch, and
// in these worlds somebody else creates batches of as many rows.
//
// A world is everything that is drawn from one seed. Processes and time are
// real, so a replay meets the same faults but not at the same instants.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// asProvider makes the program play the provider whose directory it names.
const asProvider = "CHAOS_PROVIDER"

func main() {
	if playProvider() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// playProvider is what a process does that another one of this program started.
func playProvider() bool {
	dir := os.Getenv(asProvider)
	if dir == "" {
		return false
	}
	if err := provider.Serve(context.Background(), dir, os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
	return true
}

func run(ctx context.Context) error {
	var s soak
	var one, faults, protocol string
	race := false
	flag.IntVar(&s.worlds, "worlds", 20, "worlds to try")
	flag.IntVar(&s.kills, "kills", 0, "kills in all of them together, at least; more worlds are tried if need be")
	flag.IntVar(&s.parallel, "parallel", 2, "worlds at a time")
	flag.Uint64Var(&s.seed, "seed", 0, "seed of the worlds; 0 draws one")
	flag.StringVar(&one, "world", "", "seed of the one world to try")
	flag.StringVar(&protocol, "provider", "all", "protocol of the provider: openai, anthropic, or all of them by turns")
	flag.StringVar(&faults, "faults", "all", "which faults there are: all, none, or their names with commas between; -name leaves one out")
	flag.StringVar(&s.baler, "baler", "", "the command that is tried (default: built from ./cmd/baler)")
	flag.BoolVar(&race, "race", false, "build it with the race detector")
	flag.StringVar(&s.dir, "dir", "", "directory of the worlds; those that fail stay there (default: a temporary one)")
	flag.BoolVar(&s.verbose, "v", false, "a line for each world, and for all that happens in a single one")
	flag.Parse()
	if err := s.prepare(ctx, protocol, faults, race); err != nil {
		return err
	}
	if one != "" {
		seed, err := strconv.ParseUint(one, 16, 64)
		if err != nil {
			return fmt.Errorf("-world: %w", err)
		}
		return s.runOne(ctx, seed)
	}
	return s.run(ctx)
}

// prepare fills in what the flags left open, and builds the command.
func (s *soak) prepare(ctx context.Context, protocol, faults string, race bool) (err error) {
	if s.protocols, err = chosenProtocols(protocol); err != nil {
		return fmt.Errorf("-provider: %w", err)
	}
	if s.kinds, err = chosen(faults); err != nil {
		return fmt.Errorf("-faults: %w", err)
	}
	if s.seed == 0 {
		s.seed = rand.Uint64() //nolint:gosec // not a secret
	}
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "chaos-"); err != nil {
			return err
		}
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if s.baler == "" {
		s.baler = filepath.Join(s.dir, "baler")
		return build(ctx, s.baler, race)
	}
	s.baler, err = filepath.Abs(s.baler)
	return err
}

func build(ctx context.Context, to string, race bool) error {
	args := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", to} // traces need no symbols
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/balerhq/baler/cmd/baler")...) //nolint:gosec // ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("build baler: %w", err), errors.New(string(out)))
	}
	return nil
}
