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
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/interop/play"
	"github.com/balerhq/baler/sink/simulator"
)

// routes are what answers the batches of a provider's client: another provider.
var routes = map[string]string{"openai": "anthropic/claude-test", "anthropic": "openai/gpt-test"}

// batchRows is how many rows of a script's batch succeed.
const batchRows = 200

// batches runs a script whose batches another provider answers, and checks from
// the ledger of that one that each row was paid for once.
func (s script) batches(ctx context.Context, l language, command string) row {
	r := row{language: s.language, provider: s.provider, version: l.version(s.provider)}
	fmt.Printf("\n%s %s\n", s.file, r.version)
	r.passed, r.err = s.batch(ctx, l, command)
	return r
}

func (s script) batch(ctx context.Context, l language, command string) (passed int, err error) {
	provider, err := simulator.Start("", simulator.Config{Keys: play.Keys, Latency: simulator.Latency{Processing: time.Second}})
	if err != nil {
		return 0, err
	}
	defer provider.Close()
	x, err := newProxy(command, provider, "--route", routes[s.provider])
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	x.env = append(x.env, "OPENAI_API_KEY="+play.Keys[0], "ANTHROPIC_API_KEY="+play.Keys[0])
	variables, err := x.start(ctx)
	if err != nil {
		return 0, err
	}
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, l.interpreter, s.file) //nolint:gosec // a script of the project
	cmd.Env = append(os.Environ(), variables...)
	cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1", "BATCH_ROWS="+strconv.Itoa(batchRows))
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&output, os.Stdout), os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	passed, rows := count(&output)
	ran, err := ranOnce(provider)
	if err == nil && (ran < rows || ran > rows+1) { // one that was cancelled may have run
		err = fmt.Errorf("%d rows were run, and %d were asked for", ran, rows)
	}
	return passed, err
}

// count returns how many steps a script has passed, and how many rows it says
// that it has asked for.
func count(output io.Reader) (passed, rows int) {
	rows = -1
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ok ") {
			passed++
		}
		if number, found := strings.CutPrefix(lines.Text(), "rows "); found {
			rows, _ = strconv.Atoi(number) // one that is none is none of the provider's
		}
	}
	return passed, rows
}
