//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/balerhq/baler/internal/chaos/provider"
)

const (
	patience  = 90 * time.Second // with a process that should end, or do something
	maxStarts = 60               // of a client that ends by itself and says that it can go on
)

// life is a world while it goes on. One goroutine owns it.
type life struct {
	*world
	dir, baler string
	trace      io.Writer
	began      time.Time

	vendor vendor
	client *process // the run; nil if there is none
	n      int      // processes so far
	starts int      // of the client, after which it ended by itself and was not done
	code   int      // with which the run ended
	over   bool     // it has

	cancelled bool
	missing   map[string]bool // rows without a result after that
	given     map[string]bool // rows that were given up, by decision or as the run was cancelled
	lost      time.Time       // when the state directory was
	undecided bool            // the run waits for a decision
	decisions map[string]bool // of batches, whether their rows are sent again

	bill map[string]paid // by the hash of the question

	happened incidents
	held     []hold
	found    findings
}

// hold is a time in which nothing may be bought.
type hold struct{ from, to time.Time }

// live lets the processes of a world run until the run has ended.
func (l *life) live(ctx context.Context) error {
	l.began = time.Now()
	if err := l.write(l.dir); err != nil {
		return err
	}
	if err := l.vendor.start(); err != nil {
		return err
	}
	defer func() {
		l.vendor.kill()
		if l.client != nil {
			l.client.kill()
		}
	}()
	if err := l.disturb(ctx); err != nil {
		return err
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	return l.check(ctx)
}

func (l *life) say(format string, args ...any) {
	fmt.Fprintf(l.trace, "%8.3f  %s\n", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}

// runArgs is the command that begins the run, and goes on with it.
func (l *life) runArgs() []string {
	args := []string{
		"run", l.inputName(), "--out", "out.jsonl", "--name", "chaos", "--provider", l.Protocol, "--base-url", l.vendor.url,
		"--poll", l.Poll.String(), "--grace", l.Plan.Grace.String(), "--max-wait", l.MaxWait.String(),
		"--batch-size", strconv.Itoa(l.BatchSize), "--max-in-flight", strconv.Itoa(l.InFlight), "--retries", "60", "--pause-above", "100%",
	}
	if l.Shape != ready {
		args = append(args, "--model", map[string]string{provider.OpenAI: "m", provider.Anthropic: "claude-m"}[l.Protocol], "--prompt", prompt+"{{.text}}")
	}
	return args
}

// start starts the command.
func (l *life) start(args ...string) (*process, error) {
	l.n++
	out := filepath.Join(l.dir, "log", fmt.Sprintf("%03d-%s", l.n, args[0]))
	return launch(l.dir, out, l.baler, []string{strings.ToUpper(l.Protocol) + "_API_KEY=" + marker}, args...)
}

// ask runs a command to its end.
func (l *life) ask(ctx context.Context, args ...string) (*process, error) {
	p, err := l.start(args...)
	if err != nil {
		return nil, err
	}
	if !p.ended(ctx, patience) {
		l.hangs(ctx, p, strings.Join(args, " "))
	}
	l.say("%s: %d", strings.Join(args, " "), p.code())
	return p, ctx.Err()
}

// hangs notes that a process does not end, and has it say what it does.
func (l *life) hangs(ctx context.Context, p *process, what string) {
	if ctx.Err() == nil {
		l.found.add(other, "%s did not end within %s: see %s.err", what, patience, p.out)
	}
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGABRT)
	if !p.ended(context.WithoutCancel(ctx), 5*time.Second) {
		p.kill()
	}
}

// ensure starts the run unless it is under way.
func (l *life) ensure() (err error) {
	if l.client == nil {
		l.client, err = l.start(l.runArgs()...)
		l.say("run begins: %03d", l.n)
	}
	return err
}

// reap looks how the run ended by itself. It is over, may go on, or is at
// fault.
func (l *life) reap() {
	p := l.client
	l.client = nil
	l.code = p.code()
	l.say("run ended: %d %s", l.code, lastLine(p.stderr()))
	l.starts++
	switch {
	case l.code == 0, l.code == 1:
		l.over = true
	case l.code == 3 && strings.Contains(p.stderr(), "baler settle"):
		l.undecided = true
	case l.code == 3, l.code == 2 && l.mayRefuseKey(p):
		if l.starts > maxStarts {
			l.over = true
			l.found.add(lost, "the run does not come to its end: it stopped %d times, the last time: %s", l.starts, lastLine(p.stderr()))
		}
	default:
		l.over = true
		l.found.add(other, "the run ended with code %d: %s", l.code, lastLine(p.stderr()))
	}
}

// mayRefuseKey reports whether a run ended as one should whose key is refused.
func (l *life) mayRefuseKey(p *process) bool {
	word := map[string]string{provider.OpenAI: "invalid_api_key", provider.Anthropic: "authentication_error"}[l.Protocol]
	return strings.Contains(p.stderr(), word) && slices.ContainsFunc([]provider.Kind{"upload.401", "create.401", "status.401", "list.401", "content.401", "files.401"},
		func(k provider.Kind) bool { return l.Plan.Faults[k].Max > 0 })
}

// lastLine is the last line of a command, after its notices.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	line := s[strings.LastIndexByte(s, '\n')+1:]
	if len(line) > 300 {
		line = line[:300] + "..."
	}
	return line
}

// settle runs the command again until it ends by itself.
func (l *life) settle(ctx context.Context) error {
	if err := l.resume(ctx); err != nil {
		return err
	}
	for !l.over && ctx.Err() == nil {
		if err := l.ensure(); err != nil {
			return err
		}
		if !l.endsOrWaits(ctx) {
			l.hangs(ctx, l.client, "the run")
			l.client, l.over, l.code = nil, true, 3
			break
		}
		l.reap()
		if err := l.decide(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
