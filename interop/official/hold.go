package main

import (
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
	provider, err := simulator.Start("", simulator.Config{Keys: play.Keys, Latency: simulator.Latency{Processing: t.batch}})
	if err != nil {
		return 0, err
	}
	defer provider.Close()
	x, err := newProxy(command, provider)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	variables, err := x.start(ctx)
	if err != nil {
		return 0, err
	}
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
