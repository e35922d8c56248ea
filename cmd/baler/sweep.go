package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink"
)

// removeKept removes what the provider still stores of runs that have ended.
func (o *doctorOptions) removeKept(ctx context.Context, log *slog.Logger) ([]durable.Removal, error) {
	provider, dir, err := o.open(ctx, log)
	if err != nil {
		return nil, err
	}
	all, err := dir.RemoveKept(ctx, provider)
	return all, errors.Join(err, dir.Close())
}

func tellRemovals(w io.Writer, removals []durable.Removal) {
	for _, r := range removals {
		fmt.Fprintf(w, "%s: the files of %s batches are removed at the provider\n", plain(r.Name), thousands(r.Removed))
		if r.Files > 0 {
			fmt.Fprintf(w, "%s: %s files of rows are deleted at the provider\n", plain(r.Name), thousands(r.Files))
		}
		if r.Reason != "" {
			fmt.Fprintf(w, "%s: %s\n", plain(r.Name), plain(r.Reason))
		}
	}
}

// minFileAge is how old an upload without a batch has to be: another directory
// may be about to use a younger one.
const minFileAge = time.Hour

// orphanFile is an upload that no batch was made from.
type orphanFile struct {
	File    string    `json:"file"`
	Created time.Time `json:"created"`
	Bytes   int64     `json:"bytes"`
	Removed bool      `json:"removed"`
	Failed  string    `json:"failed,omitempty"` // why it could not be removed
}

// findFiles lists uploads without a batch, and on request removes them.
func (o *doctorOptions) findFiles(ctx context.Context, log *slog.Logger) ([]orphanFile, error) {
	provider, dir, err := o.open(ctx, log)
	if err != nil {
		return nil, err
	}
	found, err := dir.OrphanFiles(ctx, provider, minFileAge)
	if errors.Is(err, errors.ErrUnsupported) && (!o.sweep || !provider.Info().Files) {
		err = nil // the batches are listed, and those of runs removed, all the same
	}
	if err := errors.Join(err, dir.Close()); err != nil {
		return nil, err
	}
	files := make([]orphanFile, len(found))
	for i, f := range found {
		files[i] = orphanFile{File: f.File, Created: f.Created, Bytes: f.Bytes}
		if !o.sweep {
			continue
		}
		if err := provider.Remove(ctx, sink.Handle{File: f.File}); err != nil {
			files[i].Failed = err.Error()
		} else {
			files[i].Removed = true
		}
	}
	return files, nil
}

func tellFiles(w io.Writer, files []orphanFile) {
	for _, f := range files {
		fate := "remove it with --sweep"
		switch {
		case f.Removed:
			fate = "removed"
		case f.Failed != "":
			fate = "could not be removed: " + f.Failed
		}
		fmt.Fprintln(w, plain(fmt.Sprintf("upload without a batch: %s, %s, created %s; %s",
			f.File, size(f.Bytes), f.Created.Format(time.DateTime), fate)))
	}
}
