package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/interop/play"
)

// routes are what answers the batches of a provider's client: another provider.
var routes = map[string]string{"openai": "anthropic/claude-test", "anthropic": "openai/gpt-test"}

// batchRows is how many rows of a script's batch succeed.
const batchRows = 200

// batches are programs whose batches another provider answers. The ledger of
// that one shows that each row was paid for once.
var batches = way{below: "batches/", choice: []string{"python/openai"}, run: func(ctx context.Context, s *session) (passed int, err error) {
	x, err := s.open(ctx, time.Second, proxy{
		flags: []string{"--route", routes[s.provider]},
		env:   []string{"OPENAI_API_KEY=" + play.Keys[0], "ANTHROPIC_API_KEY=" + play.Keys[0]},
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	passed, rows, err := s.ask(ctx, x, "BATCH_ROWS="+strconv.Itoa(batchRows))
	if err != nil {
		return 0, err
	}
	ran, err := ranOnce(x.provider)
	if err == nil && (ran < rows || ran > rows+1) { // one that was cancelled may have run
		err = fmt.Errorf("%d rows were run, and %d were asked for", ran, rows)
	}
	return passed, err
}}

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
