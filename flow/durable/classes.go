package durable

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// classes are the classes that a job gives to codes of the provider.
type classes map[string]retry.Class

// validate refuses what is not the class of a failure. Ambiguous is none,
// because whether something happened is not for a code to say.
func (c classes) validate() error {
	for _, code := range slices.Sorted(maps.Keys(c)) {
		switch class := c[code]; {
		case code == "":
			return errors.New("durable: Job.Classes has an empty code")
		case class != retry.Retryable && class != retry.Permanent && class != retry.Blocked:
			return fmt.Errorf("durable: Job.Classes[%q] is %s: must be retryable, permanent or blocked", code, class)
		}
	}
	return nil
}

// over returns the class of a code, and whether it is another one than class.
func (c classes) over(code string, class retry.Class) (other retry.Class, changed bool) {
	other, known := c[code]
	return other, known && other != class
}

// of returns the provider with these classes.
func (c classes) of(p sink.Provider) sink.Provider {
	if len(c) == 0 {
		return p
	}
	return &classifier{p, c}
}

// classifier is a provider that classifies some codes as a job wants it: of
// rows, of refused batches, and of refused uploads and creations. Calls that
// read keep their classes, since a batch that cannot be read is not gone.
type classifier struct {
	sink.Provider
	classes classes
}

// Upload implements sink.Provider. A refusal does not become Retryable, because
// the repetition would have no end.
func (p *classifier) Upload(ctx context.Context, spec sink.Spec, rows sink.Rows) (string, error) {
	file, err := p.Provider.Upload(ctx, spec, rows)
	if said := p.refusal(ctx, err); said != nil && said.Class != retry.Retryable {
		return file, said
	}
	return file, err
}

// Create implements sink.Provider. A refusal that is Retryable by the job's
// word is one that passes, so that it has an end.
func (p *classifier) Create(ctx context.Context, spec sink.Spec, file string, rows sink.Rows) (string, error) {
	batch, err := p.Provider.Create(ctx, spec, file, rows)
	switch said := p.refusal(ctx, err); {
	case said == nil:
		return batch, err
	case said.Class == retry.Retryable:
		return batch, fmt.Errorf("%w: %w", said, sink.ErrNotYet)
	default:
		return batch, said
	}
}

// refusal returns the error of a call with the class of its code, nil if that
// changes nothing. What may have happened stays Ambiguous, whatever its code.
// So does the error of an interrupted call, which may be that of another call.
func (p *classifier) refusal(ctx context.Context, err error) *retry.Error {
	class, said := retry.ClassIn(ctx, err), p.classes.find(err)
	if said == nil || class == retry.Ambiguous || ctx.Err() != nil {
		return nil //nolint:nilerr // no refusal
	}
	other, changed := p.classes.over(said.Code, class)
	if !changed {
		return nil
	}
	e := *said // without what explains it: that goes with the class it had
	e.Class = other
	return &e
}

// find returns the first error in a tree that has one of the codes.
func (c classes) find(err error) *retry.Error {
	switch e := err.(type) { //nolint:errorlint // each node is looked at
	case *retry.Error:
		if _, ok := c[e.Code]; ok {
			return e
		}
		return c.find(e.Err)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if found := c.find(err); found != nil {
				return found
			}
		}
	case interface{ Unwrap() error }:
		return c.find(e.Unwrap())
	}
	return nil
}

// Status implements sink.Provider. A batch that is Blocked stays so, because
// some of its rows may have run.
func (p *classifier) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	s, err := p.Provider.Status(ctx, h)
	if s.Err == nil || s.Err.Class == retry.Blocked || s.Succeeded > 0 {
		return s, err
	}
	if class, changed := p.classes.over(s.Err.Code, s.Err.Class); changed {
		said := sink.RowError{Class: class, Code: s.Err.Code, Message: s.Err.Message}
		if class == retry.Retryable {
			said.Cause = sink.ErrNotYet
		}
		s.Err = &said
	}
	return s, err
}

// Results implements sink.Provider.
func (p *classifier) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		for o, err := range p.Provider.Results(ctx, h) {
			if o.Err != nil {
				if class, changed := p.classes.over(o.Err.Code, o.Err.Class); changed {
					said := *o.Err
					said.Class = class
					o.Err = &said
				}
			}
			if !yield(o, err) {
				return
			}
		}
	}
}
