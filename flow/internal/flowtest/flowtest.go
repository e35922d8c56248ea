// Package flowtest has the helpers that the tests of stages share.
package flowtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow"
)

// ErrBoom is an error of a test.
var ErrBoom = errors.New("boom")

// Collect is a sink that keeps what it is given.
func Collect[T any](into *[]T) func(context.Context, T) error {
	return func(_ context.Context, v T) error {
		*into = append(*into, v)
		return nil
	}
}

// Through returns what stage makes of items, and the error of the pipeline.
func Through[In, Out any](t *testing.T, stage flow.Stage[In, Out], items ...In) ([]Out, error) {
	t.Helper()
	p := flow.New(t.Context())
	var got []Out
	flow.To(p, flow.Via(p, flow.From(p, slices.Values(items)), stage), Collect(&got))
	return got, p.Wait()
}
