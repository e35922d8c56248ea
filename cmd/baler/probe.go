package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
)

// probed is what a probe prints.
type probed struct {
	Health *doctor.Health `json:"health,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// probe examines a directory in this process.
func probe(ctx context.Context, w io.Writer, dir string, log *slog.Logger) error {
	var p probed
	at, err := quietDir(dir, log)
	if err == nil {
		p.Health, err = doctor.Examine(ctx, at)
	}
	if err != nil {
		p = probed{Error: err.Error()}
	}
	return json.NewEncoder(w).Encode(p)
}

// examine examines a directory in a process of its own: Badger ends the one
// that opens a damaged index, from a goroutine where nobody can catch it.
func examine(ctx context.Context, dir string) (*doctor.Health, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find myself: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "doctor", "--probe", "--state", dir) //nolint:gosec // itself
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	died := cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var p probed
	if err := json.Unmarshal(stdout.Bytes(), &p); err != nil {
		at, err := durable.Open(dir)
		if err != nil {
			return nil, err
		}
		return doctor.ExamineFiles(ctx, at, &state.DamageError{Dir: dir, File: "index", Err: deathOf(died, stderr.String())})
	}
	if p.Error != "" {
		return nil, errors.New(p.Error)
	}
	return p.Health, nil
}

// deathOf is why a process ended, in a line.
func deathOf(died error, stderr string) error {
	for line := range strings.Lines(stderr) {
		if reason, ok := strings.CutPrefix(line, "fatal error: "); ok {
			return fmt.Errorf("opening it ends the process: %s", strings.TrimSpace(reason))
		}
	}
	return fmt.Errorf("opening it ends the process: %w", died)
}
