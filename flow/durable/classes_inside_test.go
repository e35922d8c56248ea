package durable

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// answering is a provider that answers with one error and one status.
type answering struct {
	sink.Provider
	err    error
	status sink.Status
}

func (a *answering) Create(context.Context, sink.Spec, string, sink.Rows) (string, error) {
	return "", a.err
}

func (a *answering) Status(context.Context, sink.Handle) (sink.Status, error) {
	return a.status, a.err
}

// Whether a batch exists is for its creation to say, not for a code: what is in
// doubt stays so, above all if the code is that of another call.
func TestClassesDecideNoDoubt(t *testing.T) {
	t.Parallel()
	over := classes{"odd": retry.Retryable}
	reply := func(class retry.Class) error { return &retry.Error{Class: class, Status: 400, Code: "odd"} }
	other := reply(retry.Permanent) // of a call that has ended the run
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(other)
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		want retry.Class
	}{
		"a refusal":               {t.Context(), fmt.Errorf("create: %w", reply(retry.Permanent)), retry.Retryable},
		"a refusal beside others": {t.Context(), fmt.Errorf("%w: %w", sink.ErrTooLarge, reply(retry.Permanent)), retry.Retryable},
		"a doubt":                 {t.Context(), reply(retry.Ambiguous), retry.Ambiguous},
		"a doubt about a refusal": {t.Context(), retry.Mark(reply(retry.Permanent), retry.Ambiguous), retry.Ambiguous},
		"a refusal within a doubt": {
			t.Context(), fmt.Errorf("%w: %w", retry.Mark(errors.New("reset"), retry.Ambiguous), reply(retry.Permanent)), retry.Ambiguous,
		},
		"another call's":     {ended, fmt.Errorf("create: %w", other), retry.Ambiguous},
		"an interrupted one": {ended, reply(retry.Permanent), retry.Permanent},
		"no error":           {t.Context(), nil, 0},
	} {
		p := over.of(&answering{err: test.err})
		_, err := p.Create(test.ctx, sink.Spec{}, "", nil)
		if got := retry.ClassIn(test.ctx, err); got != test.want {
			t.Errorf("%s is %s, want %s: %v", name, got, test.want, err)
		}
		if test.want != retry.Retryable && !errors.Is(err, test.err) {
			t.Errorf("%s: %v is another error", name, err)
		}
	}
}

// Rows of a batch that is blocked may have run, and so may those of one that
// counts successes.
func TestClassesOfABatchThatMayHaveRun(t *testing.T) {
	t.Parallel()
	over := classes{"odd": retry.Retryable}
	for name, test := range map[string]struct {
		status sink.Status
		want   retry.Class
	}{
		"refused":      {sink.Status{Ended: true, Err: &sink.RowError{Class: retry.Permanent, Code: "odd"}}, retry.Retryable},
		"another code": {sink.Status{Ended: true, Err: &sink.RowError{Class: retry.Permanent, Code: "even"}}, retry.Permanent},
		"blocked":      {sink.Status{Ended: true, Err: &sink.RowError{Class: retry.Blocked, Code: "odd"}}, retry.Blocked},
		"with rows":    {sink.Status{Ended: true, Succeeded: 1, Err: &sink.RowError{Class: retry.Permanent, Code: "odd"}}, retry.Permanent},
	} {
		inner := &answering{status: test.status}
		s, err := over.of(inner).Status(t.Context(), sink.Handle{})
		if err != nil || s.Err.Class != test.want || !s.Ended {
			t.Errorf("%s: %+v, %v", name, s.Err, err)
		}
		if passes(s.Err) != (test.want == retry.Retryable) {
			t.Errorf("%s: passes is %v", name, passes(s.Err))
		}
	}
}

// A poll that fails says nothing about the batch, whatever class its code has.
func TestClassesOfCallsThatReadStay(t *testing.T) {
	t.Parallel()
	inner := &answering{err: &retry.Error{Class: retry.Retryable, Status: 503, Code: "odd"}}
	_, err := classes{"odd": retry.Permanent}.of(inner).Status(t.Context(), sink.Handle{})
	if !errors.Is(err, inner.err) || retry.ClassOf(err) != retry.Retryable {
		t.Error(err)
	}
}
