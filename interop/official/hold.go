package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/balerhq/baler/interop/play"
	"github.com/balerhq/baler/sink/simulator"
)

// A trial is how long batches take and clients wait, and how many calls of each
// kind they make at once.
type trial struct {
	batch, patience time.Duration
	calls           int
}

// trials are with -fast one in which batches are soon there, and without it one
// more in which clients wait longer than they would without the proxy.
func trials() []trial {
	short := trial{batch: time.Second, patience: 25 * time.Second, calls: 100}
	if *fast {
		return []trial{short}
	}
	return []trial{short, {batch: 40 * time.Second, patience: 25 * time.Second, calls: 100}}
}

// throughBaler lets official clients call through baler serve, unchanged: the
// scripts in a directory of each language.
func throughBaler(ctx context.Context, names []string, below string, through func(script, context.Context, language, string) row) (passed bool, err error) {
	dir, err := os.MkdirTemp("", "baler-hold-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	command := filepath.Join(dir, "baler")
	build := exec.CommandContext(ctx, "go", "build", "-o", command, "./cmd/baler")
	build.Dir, build.Stderr = "..", os.Stderr
	if err := build.Run(); err != nil {
		return false, fmt.Errorf("build baler: %w", err)
	}
	scripts, err := findScripts(names, below)
	if err != nil {
		return false, err
	}
	var rows []row
	for _, l := range languages {
		if err := l.install(ctx); err != nil {
			rows = append(rows, row{language: l.name, err: fmt.Errorf("not tried: %w", err), untried: true})
			continue
		}
		for _, s := range scripts {
			if s.language == l.name {
				rows = append(rows, through(s, ctx, l, command))
			}
		}
	}
	return printTable(rows), nil
}

// hold runs a script in each trial, and checks from the ledger of the provider
// that each call was paid for once, as a row of a batch.
func (s script) hold(ctx context.Context, l language, command string) row {
	r := row{language: s.language, provider: s.provider, version: l.version(s.provider)}
	fmt.Printf("\n%s %s\n", s.file, r.version)
	for _, t := range trials() {
		n, err := s.try(ctx, l, command, t)
		r.passed += n
		r.err = errors.Join(r.err, err)
	}
	return r
}

// try runs a script in one trial, and returns how many steps it has passed.
func (s script) try(ctx context.Context, l language, command string, t trial) (passed int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	provider, err := simulator.Start("", simulator.Config{Keys: play.Keys, Latency: simulator.Latency{Processing: t.batch}})
	if err != nil {
		return 0, err
	}
	defer provider.Close()
	variables, ended, err := serve(ctx, command, provider)
	if err != nil {
		return 0, err
	}
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, l.interpreter, s.file) //nolint:gosec // a script of the project
	cmd.Env = append(os.Environ(), variables...)
	cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1",
		"HOLD_CALLS="+strconv.Itoa(t.calls), "HOLD_PATIENCE="+strconv.FormatFloat(t.patience.Seconds(), 'f', -1, 64))
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&output, os.Stdout), os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	passed, rows := count(&output)
	return passed, paidOnce(provider, rows, t.calls)
}

// serve starts the proxy and returns the variables that it prints.
func serve(ctx context.Context, command string, provider *simulator.Server, flags ...string) (variables []string, ended <-chan error, err error) {
	state, err := os.MkdirTemp("", "baler-hold-state-")
	if err != nil {
		return nil, nil, err
	}
	flags = append([]string{"serve", "--addr", "127.0.0.1:0", "--state", state, "--poll", "100ms", "--batch-window", "500ms"}, flags...)
	cmd := exec.CommandContext(ctx, command, flags...) //nolint:gosec // built from here
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY="+play.Keys[0], "ANTHROPIC_API_KEY="+play.Keys[0],
		"OPENAI_BASE_URL="+provider.BaseURL("openai"), "GROQ_BASE_URL="+provider.BaseURL("openai"), "TOGETHER_BASE_URL="+provider.BaseURL("openai"),
		"ANTHROPIC_BASE_URL="+provider.BaseURL("anthropic"), "GOOGLE_GEMINI_BASE_URL="+provider.BaseURL("gemini"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, err
	}
	lines := bufio.NewScanner(out)
	for len(variables) < 6 && lines.Scan() {
		variables = append(variables, lines.Text())
	}
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if ctx.Err() != nil {
			err = nil // it was told to
		}
		done <- errors.Join(err, os.RemoveAll(state))
	}()
	if len(variables) == 0 {
		return nil, nil, errors.New("baler serve prints no address")
	}
	return variables, done, nil
}

// paidOnce checks the ledger of the provider. The batches may be a few more than
// full ones would be: calls do not all come within one window.
func paidOnce(provider *simulator.Server, rows, calls int) error {
	ran, err := ranOnce(provider)
	switch n, most := len(provider.Batches()), 2*(rows/calls)+8; {
	case err != nil:
		return err
	case ran != rows:
		return fmt.Errorf("%d rows were run, and %d calls were made", ran, rows)
	case n > most:
		return fmt.Errorf("%d rows were %d batches: more than %d", rows, n, most)
	}
	fmt.Printf("     %d rows in %d batches\n", rows, len(provider.Batches()))
	return nil
}

// ranOnce counts the rows that a provider has run, each once and none live.
func ranOnce(provider *simulator.Server) (int, error) {
	seen := make(map[string]bool)
	for e, err := range provider.Executions() {
		switch {
		case err != nil:
			return 0, err
		case e.Live:
			return 0, errors.New("a call was answered live")
		case seen[e.CustomID]:
			return 0, fmt.Errorf("the row %s was run twice", e.CustomID)
		}
		seen[e.CustomID] = true
	}
	return len(seen), nil
}
