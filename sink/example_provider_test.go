package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// shouter is a Provider that answers in capitals. It remembers its batches
// itself, where another calls a service, and so never has to wait.
type shouter struct {
	sink.Basic
	mu      sync.Mutex
	batches []shouted
}

type shouted struct {
	tag      string
	created  time.Time
	outcomes []sink.Outcome
}

func (*shouter) Info() sink.Info { return sink.Info{Name: "shouter", Account: "shouter:mine"} }

func (*shouter) Limits(string) sink.Limits                     { return sink.Limits{Rows: 1000, Window: time.Hour} }
func (*shouter) Check(context.Context) error                   { return nil }
func (*shouter) Cancel(context.Context, sink.Handle) error     { return nil }
func (*shouter) Remove(_ context.Context, _ sink.Handle) error { return nil }

func (*shouter) Upload(context.Context, sink.Spec, sink.Rows) (string, error) {
	return "", nil // Create takes the rows
}

func (s *shouter) Create(_ context.Context, spec sink.Spec, _ string, rows sink.Rows) (string, error) {
	b := shouted{tag: spec.Tag, created: time.Now()}
	for row, err := range rows {
		if err != nil {
			return "", err
		}
		b.outcomes = append(b.outcomes, sink.Outcome{ID: row.ID, Status: http.StatusOK, Body: bytes.ToUpper(row.Body)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, b)
	return strconv.Itoa(len(s.batches) - 1), nil
}

func (s *shouter) Find(_ context.Context, tag string, since time.Time) (found []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range s.batches {
		if b.tag == tag && !b.created.Before(since) {
			found = append(found, strconv.Itoa(i))
		}
	}
	return found, nil
}

func (s *shouter) batch(h sink.Handle) (shouted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := strconv.Atoi(h.Batch)
	if err != nil || i < 0 || i >= len(s.batches) {
		return shouted{}, retry.Mark(errors.New("no such batch"), retry.Permanent)
	}
	return s.batches[i], nil
}

func (s *shouter) Status(_ context.Context, h sink.Handle) (sink.Status, error) {
	b, err := s.batch(h)
	n := len(b.outcomes)
	return sink.Status{Ended: true, Accepted: true, Phase: "done", Total: n, Succeeded: n}, err
}

func (s *shouter) Results(_ context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		b, err := s.batch(h)
		if err != nil {
			yield(sink.Outcome{}, err)
			return
		}
		for _, o := range b.outcomes {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// A Provider of one's own. It should pass the suite of package sinktest.
func ExampleProvider() {
	request := func(text string) (sink.Request, error) {
		body, err := json.Marshal(text)
		return sink.Request{Endpoint: "/shout", Model: "loud", Body: body}, err
	}
	p := flow.New(context.Background())
	batches := flow.From(p, slices.Values([][]string{{"hello", "world"}}))
	answers := flow.Via(p, batches, sink.FromSlices(&shouter{}, request, sink.Config{Poll: 10 * time.Millisecond}))
	flow.To(p, answers, func(_ context.Context, r sink.Result[string]) error {
		fmt.Printf("%s -> %s\n", r.Item, r.Body)
		return nil
	})
	fmt.Println(p.Wait())
	// Output:
	// hello -> "HELLO"
	// world -> "WORLD"
	// <nil>
}
