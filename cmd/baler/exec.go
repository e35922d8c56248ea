package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/intercept"
)

// program is one whose calls become rows.
type program struct {
	flags     proxyFlags
	untilDone bool
}

func newExec() *cobra.Command {
	var x program
	cmd := &cobra.Command{
		Use:   "exec [flags] -- command [arguments]",
		Short: "Run a program whose SDK calls become batches",
		Long: "Run a program whose calls become rows of batches: it gets the addresses of a proxy (see baler serve)\n" +
			"in OPENAI_BASE_URL, ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL, GROQ_BASE_URL and TOGETHER_BASE_URL.\n" +
			"Calls that it makes again, when it is run again, cost nothing.\n\n" +
			"The exit code is the program's.",
		Example: "  baler exec -- python summarise.py\n  baler exec --until-done --batch-window 10s -- node summarise.mjs",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("exec takes a program to run, as in: baler exec -- python summarise.py")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return x.run(cmd.Context(), cmd, args)
		},
	}
	x.flags.register(cmd, "127.0.0.1:0")
	cmd.Flags().BoolVar(&x.untilDone, "until-done", false, "run the program again if it ended before its calls had their answers, once these are there")
	return cmd
}

func (x *program) run(ctx context.Context, cmd *cobra.Command, args []string) error {
	w := cmd.ErrOrStderr()
	if _, err := exec.LookPath(args[0]); err != nil {
		return usage("%w", err)
	}
	p, err := x.flags.start(ctx, w)
	if err != nil {
		return err
	}
	err = x.repeat(ctx, w, p, func() error { return p.runOnce(ctx, cmd, args) })
	x.receipt(w, p)
	return errors.Join(err, p.close()) //nolint:contextcheck // ctx may have ended
}

// repeat runs the program, and again while rows have got their answers that it
// did not wait for.
func (x *program) repeat(ctx context.Context, w io.Writer, p *proxy, run func() error) error {
	var last *attempt
	for {
		before := p.calls.Stats()
		err := run()
		this := attemptOf(before, p.calls.Stats(), err)
		if !x.untilDone || ctx.Err() != nil || !this.isCut() {
			return err
		}
		if this.isLost(last) {
			fmt.Fprintln(w, "baler: the program was run again, and asked for other rows instead of those that it had asked for: it is not run any more")
			return err
		}
		if !settled(ctx, p.calls) {
			return err
		}
		last = &this
	}
}

// attempt is what one run of the program came to.
type attempt struct {
	failed  bool
	waiting int64 // rows when it ended
	rows    int64 // that it bought
	hits    int64 // answers that were there
	cut     int64 // calls that ended without their answers
}

func attemptOf(before, after intercept.Stats, err error) attempt {
	return attempt{err != nil, after.Waiting, after.Rows - before.Rows, after.Hits - before.Hits, after.Cut - before.Cut}
}

// isCut reports whether the program ended before it had all its answers. One
// that fails with them fails by itself.
func (a *attempt) isCut() bool { return a.waiting > 0 || a.failed && a.cut > 0 }

// isLost reports whether running the program again leads nowhere: it buys rows,
// and finds no more answers than the last time.
func (a *attempt) isLost(last *attempt) bool { return last != nil && a.rows > 0 && a.hits <= last.hits }

// settled waits until all rows have their answers, and reports whether ctx let
// it.
func settled(ctx context.Context, calls *intercept.Interceptor) bool {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for calls.Stats().Waiting > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// runOnce runs the program and returns its exit code as an error.
func (p *proxy) runOnce(ctx context.Context, cmd *cobra.Command, args []string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // it is what the user wants
	c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	c.Env = append(os.Environ(), p.environment()...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	err := c.Run()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return &exitError{max(exit.ExitCode(), 1), fmt.Errorf("the program ended: %w", exit)}
	}
	return err
}

// environment is how the program comes to the proxy.
func (p *proxy) environment() (all []string) {
	base := p.url()
	if p.token != "" {
		base += "/token/" + url.PathEscape(p.token)
	}
	for _, s := range intercept.Services() {
		if s.Variable != "" {
			all = append(all, s.Variable+"="+base+s.Path)
		}
	}
	skip := "127.0.0.1,localhost"
	if given := os.Getenv("NO_PROXY"); given != "" {
		skip = given + "," + skip
	}
	return append(all, "BALER_PROXY="+base, "NO_PROXY="+skip)
}

// receipt says what the program has cost, and what is left.
func (x *program) receipt(w io.Writer, p *proxy) {
	s := p.calls.Stats()
	if x.flags.dryRun {
		fmt.Fprintf(w, "baler: dry run, nothing was bought: %s\n", p.calls.Plan())
		return
	}
	fmt.Fprintf(w, "baler: %s\n", s)
	if s.Waiting > 0 {
		fmt.Fprintf(w, "baler: %s: the same command again gets the answers, and pays for nothing twice\n",
			counted(int(s.Waiting), "row waits for its batch", "rows wait for their batches"))
	}
}
