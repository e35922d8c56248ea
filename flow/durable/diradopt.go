package durable

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// Adopt gives ended orphans to the run of that name. The run takes the result
// of a row if the row succeeded there and still waits for a batch here. The
// next Run downloads and delivers these results like those of any batch, and
// buys only the other rows. Use it after a state directory was lost; call
// Ingest first.
//
// A row is identified by the hash of its item's key, because a provider returns
// nothing else but the answer. So the keys must be the same as before, and the
// caller must make sure that the requests are. An orphan is left alone if its
// rows cannot have been one batch of the run. A row is left alone if its answer
// names a model that the run does not ask.
//
// It returns all orphans, each with what was adopted and the rows that could
// not be. The error is ErrNoRun, ErrNotRead, ErrRunning, a *CancelledError, a
// *MismatchError if the run belongs to another provider, an error that the run
// is completed, or an error of the provider or the store. After an error,
// earlier orphans may have been adopted, and Adopt may be called again. It
// reads the results of each orphan that has ended and scans the waiting rows
// once for each orphan. The ids of one orphan are in memory at a time.
func (d *Dir) Adopt(ctx context.Context, provider sink.Provider, name string, since time.Time) (all []Orphan, err error) {
	err = d.withJobOf(ctx, provider, name, func(e *engine) (err error) {
		all, err = e.adopter.adoptAll(ctx, since)
		return err
	})
	return all, err
}

// AdoptOutput gives the results of an old output to the run of that name. The
// output is a file as Lines writes it. The run takes the result of a row if the
// row succeeded there and still waits for a batch here. The next Run delivers
// these results like answers from the Cache, and buys only the other rows.
// AdoptOutput does not call the provider, which must be the run's.
//
// A row is identified by its id alone, because the line has no request. The
// caller must make sure that the requests are the same as before. A line is
// left alone if it names a model that the run does not ask.
//
// The error is one of those that Adopt returns, or says that the file cannot be
// read. After an error, some lines may have been adopted, and AdoptOutput may
// be called again. The hashes of all ids in the file are in memory, and so are
// the entries of the rows that wait.
func (d *Dir) AdoptOutput(ctx context.Context, provider sink.Provider, name, path string) (a OutputAdoption, err error) {
	f, err := os.Open(path)
	if err != nil {
		return a, fmt.Errorf("durable: adopt output: %w", err)
	}
	defer f.Close()
	err = d.withJobOf(ctx, provider, name, func(e *engine) error {
		if err := e.adopter.mayAdopt(); err != nil {
			return err
		}
		old := &oldOutput{file: f, at: make(map[jobdir.ItemHash]oldLine), adoption: &a}
		if err := old.read(ctx); err != nil {
			return fmt.Errorf("durable: adopt output: %w", err)
		}
		return e.adopter.adoptOutput(ctx, old)
	})
	return a, err
}
