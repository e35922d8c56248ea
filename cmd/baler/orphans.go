package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
)

// orphan is a batch at the provider that no run waits for.
type orphan struct {
	Batch     string       `json:"batch"`
	Created   time.Time    `json:"created,omitzero"`
	Rows      int          `json:"rows"`
	Ended     bool         `json:"ended"`
	Surplus   bool         `json:"surplus"`           // a run knows it: it was bought twice
	Unknown   bool         `json:"unknown,omitempty"` // it may be anybody's
	Cancelled bool         `json:"cancelled"`
	Adopted   int          `json:"adopted,omitempty"` // rows of the run that adopts it
	Left      string       `json:"left,omitempty"`    // why it does not
	Lost      durable.Lost `json:"lost,omitzero"`     // its rows that could not be brought back
	Failed    string       `json:"failed,omitempty"`  // why it could not be cancelled
}

// findOrphans lists the orphans of an account, and on request cancels those
// that still run, or gives the others to a run.
func (o *doctorOptions) findOrphans(ctx context.Context, log *slog.Logger) ([]orphan, error) {
	provider, dir, err := o.open(ctx, log)
	if err != nil {
		return nil, err
	}
	found, err := o.adoptOrList(ctx, provider, dir.Dir)
	if err := errors.Join(err, dir.Close()); err != nil {
		return nil, err
	}
	orphans := make([]orphan, len(found))
	for i, f := range found {
		orphans[i] = orphan{
			Batch: f.Batch, Created: f.Created, Rows: f.Rows, Ended: f.Ended, Surplus: f.Surplus, Unknown: f.Tag == "", Adopted: f.Adopted, Left: f.Left, Lost: f.Lost,
		}
		if !o.cancelOrphans || f.Ended {
			continue
		}
		if err := provider.Cancel(ctx, sink.Handle{Batch: f.Batch}); err != nil {
			orphans[i].Failed = err.Error()
		} else {
			orphans[i].Cancelled = true
		}
	}
	return orphans, nil
}

// open returns the provider and the state directory.
func (o *doctorOptions) open(ctx context.Context, log *slog.Logger) (sink.Provider, *heldDir, error) {
	return o.openWith(ctx, newProvider, log)
}

// openWith is open with a client that is made so.
func (o *doctorOptions) openWith(_ context.Context, client func(*options) (sink.Provider, error), log *slog.Logger) (sink.Provider, *heldDir, error) {
	provider, err := client(&options{provider: o.provider, baseURL: o.baseURL, poll: time.Second})
	if err != nil {
		return nil, nil, err
	}
	dir, err := holdDir(o.state, state.Config{Log: log})
	return provider, dir, err
}

func (o *doctorOptions) adoptOrList(ctx context.Context, provider sink.Provider, dir *durable.Dir) ([]durable.Orphan, error) {
	since := sink.Now(ctx, provider).Add(-o.since)
	if o.adopt != "" {
		adopted, err := dir.Adopt(ctx, provider, o.adopt, since)
		return adopted, adviseIngest(err)
	}
	return dir.Orphans(ctx, provider, since)
}

func tellOrphans(w io.Writer, orphans []orphan) {
	for _, f := range orphans {
		what := "of another directory, or of a lost one"
		switch {
		case f.Surplus:
			what = "bought twice"
		case f.Unknown:
			what = "without results so far, which tell whose it is"
		}
		fate := "still runs: cancel it with --cancel-orphans, unless somebody waits for it"
		switch {
		case f.Adopted > 0:
			fate = fmt.Sprintf("adopted for %s, whose results the run takes from it", rowCount(f.Adopted))
		case f.Left != "":
			fate = "left alone: " + f.Left
		case f.Cancelled:
			fate = "cancelled"
		case f.Failed != "":
			fate = "still runs, and could not be cancelled: " + f.Failed
		case f.Ended:
			fate = "has ended"
		}
		if f.Lost.Total() > 0 {
			fate += "; not brought back: " + describeLost(f.Lost)
		}
		fmt.Fprintln(w, plain(fmt.Sprintf("orphan: %s, %s, created %s, %s; %s",
			f.Batch, rowCount(f.Rows), f.Created.Format(time.DateTime), what, fate)))
	}
}
