package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// A trial is how long batches take and clients wait, and how many calls of each
// kind they make at once.
type trial struct {
	batch, patience time.Duration
	calls           int
}

// variables tell a script of it.
func (t trial) variables() []string {
	return []string{fmt.Sprint("HOLD_CALLS=", t.calls), fmt.Sprint("HOLD_PATIENCE=", t.patience.Seconds())}
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

// held are programs that make calls, in each trial. The ledger of the provider
// shows that each was paid for once, as a row of a batch.
var held = way{below: "hold/", choice: choice, run: func(ctx context.Context, s *session) (passed int, err error) {
	for _, t := range trials() {
		n, failed := s.try(ctx, t)
		passed += n
		err = errors.Join(err, failed)
	}
	return passed, err
}}

// try runs a script in one trial, and returns how many steps it has passed.
func (s *session) try(ctx context.Context, t trial) (passed int, err error) {
	x, err := s.open(ctx, t.batch, proxy{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	passed, rows, err := s.ask(ctx, x, t.variables()...)
	if err != nil {
		return 0, err
	}
	return passed, s.paidOnce(x.provider, rows, t.calls)
}

// paidOnce checks the ledger of the provider. The batches may be a few more than
// full ones would be: calls do not all come within one window.
func (s *session) paidOnce(provider *simulator.Server, rows, calls int) error {
	ran, err := ranOnce(provider)
	switch n, most := len(provider.Batches()), 2*(rows/calls)+8; {
	case err != nil:
		return err
	case ran != rows:
		return fmt.Errorf("%d rows were run, and %d calls were made", ran, rows)
	case n > most:
		return fmt.Errorf("%d rows were %d batches: more than %d", rows, n, most)
	}
	fmt.Fprintf(&s.log, "     %d rows in %d batches\n", rows, len(provider.Batches()))
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
