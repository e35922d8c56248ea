// Package play starts simulators for official clients.
package play

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/balerhq/baler/interop/recorded"
	"github.com/balerhq/baler/sink/simulator"
)

// Keys are those that are accepted; each is an account of its own.
var Keys = []string{"sk-interop", "sk-other"}

// Stage is a pair of simulators, and what clients of one provider send to them.
type Stage struct {
	*recorded.Recorder
	Quick, Slow *Simulator // Quick ends a batch at once, Slow after 60 hours of its clock
}

// Simulator is one that is served through a recorder.
type Simulator struct {
	*simulator.Simulator
	URL    string
	server *http.Server
}

// Start starts a stage for clients of a provider.
func Start(ctx context.Context, provider string) (*Stage, error) {
	s := &Stage{Recorder: recorded.New(provider)}
	var quick, slow error
	s.Quick, quick = s.serve(ctx, 100*time.Millisecond)
	s.Slow, slow = s.serve(ctx, 60*time.Hour)
	if err := errors.Join(quick, slow); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) serve(ctx context.Context, processing time.Duration) (*Simulator, error) {
	sim, err := simulator.New(simulator.Config{Keys: Keys, Latency: simulator.Latency{Processing: processing}})
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, sim.Close())
	}
	server := &http.Server{Handler: s.Before(sim), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until Close
	return &Simulator{Simulator: sim, URL: "http://" + l.Addr().String(), server: server}, nil
}

// Close stops the stage.
func (s *Stage) Close() error {
	var errs []error
	for _, sim := range []*Simulator{s.Quick, s.Slow} {
		if sim != nil {
			errs = append(errs, sim.server.Close(), sim.Close())
		}
	}
	return errors.Join(errs...)
}
