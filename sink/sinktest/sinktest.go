// Package sinktest holds the suite that every sink.Provider passes. A
// provider's own tests run it against a simulator of the provider:
//
//	sinktest.Run(t, newHarness) // func(*testing.T) sinktest.Harness
//
// It checks the behaviour that callers of a Provider rely on. For example, a
// creation whose answer was lost is Ambiguous, and its batch can be found. The
// provider's own tests check the details of its wire protocol.
package sinktest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Harness is a provider client, and control over the provider that it talks to.
// All fields are required, except for LoseCreate and Withhold.
type Harness struct {
	Provider sink.Provider
	// Stranger is a client with a key that the provider refuses.
	Stranger sink.Provider
	// Endpoint and Model are of the batches that the suite creates.
	Endpoint, Model string
	// Good is a body that succeeds and whose answer has the marker in it, a
	// string of ASCII letters and digits.
	Good func(marker string) json.RawMessage
	// Bad is a body whose row fails for good, while the rest of its batch runs.
	Bad json.RawMessage
	// Finish makes all batches end. Until then they run.
	Finish func()
	// LoseCreate makes the provider do the next creation and lose its answer.
	// Nil means that none can be lost, because Create itself makes the batch.
	LoseCreate func()
	// RefuseCreate makes the provider turn the next creation away for now, as
	// when there are too many.
	RefuseCreate func()
	// Withhold makes the provider hand out no results of batches that have
	// ended, as if they were late, or hand them out again. Nil means that none
	// can be late, because the client has them once the batch has ended.
	Withhold func(bool)
	// Created is how many batches have ever been created.
	Created func() int
}

// Run runs the suite, each test with a harness of its own and in a
// testing/synctest bubble, so connections have to be in memory: a wait for a
// real network keeps time from passing.
func Run(t *testing.T, start func(*testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(*suite){
		"every row has one outcome":            (*suite).everyRow,
		"a bad row fails alone":                (*suite).badRow,
		"a batch runs until it has ended":      (*suite).untilEnded,
		"uploading again is harmless":          (*suite).uploadAgain,
		"a lost creation is found":             (*suite).lostCreate,
		"a refused creation did not happen":    (*suite).refusedCreate,
		"find tells tags apart":                (*suite).findByTag,
		"a list shows every batch":             (*suite).list,
		"cancel ends a batch and may repeat":   (*suite).cancel,
		"remove may repeat":                    (*suite).remove,
		"results may be left and read again":   (*suite).readAgain,
		"late results are not never run":       (*suite).lateResults,
		"a wrong key is blocked":               (*suite).wrongKey,
		"an unknown batch is permanent":        (*suite).unknownBatch,
		"a done context ends every call":       (*suite).doneContext,
		"an error of the rows ends the upload": (*suite).brokenRows,
		"names, accounts and limits are plain": (*suite).identity,
		"stored files are listed and deleted":  (*suite).storedFiles,
		"rows refer to stored files":           (*suite).rowsReferToFiles,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(&suite{T: t, Harness: start(t), ctx: t.Context(), begin: time.Now()})
			})
		})
	}
}

// suite is one test.
type suite struct {
	*testing.T
	Harness
	ctx   context.Context // of the one test that it is made for
	begin time.Time
}

func (s *suite) spec(tag string) sink.Spec {
	return sink.Spec{Tag: tag, Endpoint: s.Endpoint, Model: s.Model}
}

// must fails the test at an error.
func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// want fails unless the error has the class.
func (s *suite) want(class retry.Class, what string, err error) {
	s.Helper()
	if got := retry.ClassOf(err); got != class {
		s.Errorf("%s is %s, want %s: %v", what, got, class, err)
	}
}

// rows yields rows with these bodies, named after their place.
func rows(bodies ...json.RawMessage) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for i, body := range bodies {
			if !yield(sink.Row{ID: id(i), Body: body}, nil) {
				return
			}
		}
	}
}

// id is as long as an ID may be, and has every kind of character.
func id(i int) string {
	return "Row-0123456789_0123456789_0123456789_0123456789_0123456789_" + string([]byte{
		'a' + byte(i/26/26%26), 'a' + byte(i/26%26), 'a' + byte(i%26), '-', 'Z',
	})
}

// good are bodies of n rows.
func (s *suite) good(n int) []json.RawMessage {
	bodies := make([]json.RawMessage, n)
	for i := range bodies {
		bodies[i] = s.Good(marker(i))
	}
	return bodies
}

func marker(i int) string { return "marker" + id(i)[59:62] }

// buy uploads and creates a batch.
func (s *suite) buy(tag string, bodies ...json.RawMessage) sink.Handle {
	s.Helper()
	file, err := s.Provider.Upload(s.ctx, s.spec(tag), rows(bodies...))
	s.must(err)
	batch, err := s.Provider.Create(s.ctx, s.spec(tag), file, rows(bodies...))
	s.must(err)
	return sink.Handle{Batch: batch, File: file}
}

// await polls until the batch has ended.
func (s *suite) await(h sink.Handle) sink.Status {
	s.Helper()
	for range 2000 {
		status, err := s.Provider.Status(s.ctx, h)
		s.must(err)
		if status.Ended {
			return status
		}
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
	}
	s.Fatal("the batch does not end")
	return sink.Status{}
}

// outcomes reads the results by ID, and fails if one comes twice.
func (s *suite) outcomes(h sink.Handle) map[string]sink.Outcome {
	s.Helper()
	got := make(map[string]sink.Outcome)
	for o, err := range s.Provider.Results(s.ctx, h) {
		s.must(err)
		if _, twice := got[o.ID]; twice {
			s.Errorf("row %q came twice", o.ID)
		}
		got[o.ID] = o
	}
	return got
}

var errBroken = errors.New("the rows cannot be read")
