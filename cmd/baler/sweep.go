package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// removeKept removes what the provider still stores of runs that have ended.
func (o *doctorOptions) removeKept(ctx context.Context, log *slog.Logger) ([]durable.Removal, error) {
	provider, dir, err := o.open(ctx, log)
	if err != nil {
		return nil, err
	}
	others, err := o.otherProviders()
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	all, err := dir.RemoveKept(ctx, append(others, provider)...)
	return all, errors.Join(err, dir.Close())
}

// otherProviders returns the further ones that runs at the provider have had
// routes at, as far as their keys are set. The address of each is its own.
func (o *doctorOptions) otherProviders() (others []sink.Provider, err error) {
	asked := []string{o.provider}
	for _, names := range providersOfRuns(o.state) {
		if !o.all && !slices.Contains(names, o.provider) {
			continue
		}
		for _, name := range names {
			p, known := catalog.Find(name)
			if !known || keyOf(&p) == "" || slices.Contains(asked, name) {
				continue
			}
			asked = append(asked, name)
			client, err := newProvider(&options{provider: name, poll: time.Second})
			if err != nil {
				return nil, err
			}
			others = append(others, client)
		}
	}
	return others, nil
}

// chooseProvider takes the provider of the runs. A sweep asks all of them whose
// keys are set.
func (o *doctorOptions) chooseProvider() (err error) {
	if o.provider != "" || !o.asks() {
		return nil
	}
	o.provider, err = providerOfRuns(o.state, o.adopt)
	if err == nil || !o.sweep || o.orphans || o.cancelOrphans || o.adopt != "" || o.baseURL != "" {
		return err
	}
	o.all = true
	var keys []string
	for _, name := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(providersOfRuns(o.state)...)))) {
		p, known := catalog.Find(name)
		switch {
		case !known:
		case keyOf(&p) == "":
			keys = append(keys, keyNames(&p))
		case o.provider == "":
			o.provider = name
		default:
			o.also = append(o.also, name)
		}
	}
	if o.provider == "" {
		return usage("%s has runs of several providers, and no key of one is set: set %s", o.state, strings.Join(keys, ", or "))
	}
	return nil
}

// unasked returns the providers that store files of runs, and whose keys are not
// set. Those of a run that has others that were asked are told with the run.
func (o *doctorOptions) unasked() (left []string) {
	runs, err := runsOf(o.state)
	if err != nil || !o.all {
		return nil
	}
	for i := range runs {
		names := providersOfRun(o.state, runs[i].Name)
		if runs[i].Remote == (durable.Remote{}) || slices.ContainsFunc(names, o.isAsked) {
			continue
		}
		left = append(left, names...)
	}
	return slices.Compact(slices.Sorted(slices.Values(left)))
}

func (o *doctorOptions) isAsked(provider string) bool {
	return provider == o.provider || slices.Contains(o.also, provider)
}

// findAllFiles does findFiles at all providers that are asked.
func (o *doctorOptions) findAllFiles(ctx context.Context, log *slog.Logger) (files []orphanFile, err error) {
	for _, name := range append([]string{o.provider}, o.also...) {
		one := *o
		one.provider = name
		found, err := one.findFiles(ctx, log)
		if err != nil {
			return files, err
		}
		files = append(files, found...)
	}
	return files, nil
}

func tellRemovals(w io.Writer, removals []durable.Removal) {
	for _, r := range removals {
		fmt.Fprintf(w, "%s: the files of %s are removed at the provider\n", plain(r.Name), batchCount(r.Removed))
		if r.Files > 0 {
			fmt.Fprintf(w, "%s: %s deleted at the provider\n", plain(r.Name), counted(r.Files, "file of rows", "files of rows"))
		}
		if r.Reason != "" {
			fmt.Fprintf(w, "%s: %s\n", plain(r.Name), plain(r.Reason))
		}
	}
}

// minFileAge is how old an upload without a batch has to be: another directory
// may be about to use a younger one.
const minFileAge = time.Hour

// minStoredAge is how old a file of rows has to be that no run knows: a batch of
// another directory may refer to a younger one.
const minStoredAge = 48 * time.Hour

// orphanFile is an upload that no batch was made from, or a file of rows that no
// run knows.
type orphanFile struct {
	File    string    `json:"file"`
	Name    string    `json:"name,omitempty"` // of a file of rows
	Created time.Time `json:"created"`
	Bytes   int64     `json:"bytes"`
	Removed bool      `json:"removed"`
	Failed  string    `json:"failed,omitempty"` // why it could not be removed
}

// findFiles lists uploads without a batch, and files of rows that no run knows,
// and on request removes them.
func (o *doctorOptions) findFiles(ctx context.Context, log *slog.Logger) (files []orphanFile, err error) {
	provider, dir, err := o.open(ctx, log)
	if err != nil {
		return nil, err
	}
	info := provider.Info()
	uploads, err := dir.OrphanFiles(ctx, provider, minFileAge)
	if errors.Is(err, errors.ErrUnsupported) && (!o.sweep || !info.Files) {
		err = nil // the batches are listed, and those of runs removed, all the same
	}
	stored, failed := dir.OrphanStored(ctx, provider, minStoredAge)
	if errors.Is(failed, errors.ErrUnsupported) {
		failed = nil
	}
	if err := errors.Join(err, failed, dir.Close()); err != nil {
		return nil, err
	}
	for _, f := range uploads {
		file := orphanFile{File: f.File, Created: f.Created, Bytes: f.Bytes}
		files = append(files, file.swept(o.sweep, func() error { return provider.Remove(ctx, sink.Handle{File: f.File}) }))
	}
	for _, f := range stored {
		file := orphanFile{File: f.File, Name: f.Tag, Created: f.Created, Bytes: f.Bytes}
		files = append(files, file.swept(o.sweep, func() error { return info.FileStore.Delete(ctx, f.File) }))
	}
	return files, nil
}

// swept returns the file after it was removed, if it is to be.
func (f orphanFile) swept(sweep bool, remove func() error) orphanFile {
	if !sweep {
		return f
	}
	if err := remove(); err != nil {
		f.Failed = err.Error()
	} else {
		f.Removed = true
	}
	return f
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
		what := "upload without a batch: " + f.File
		if f.Name != "" {
			what = "file of rows that no run knows: " + f.File + " " + f.Name
		}
		fmt.Fprintln(w, plain(fmt.Sprintf("%s, %s, created %s; %s", what, size(f.Bytes), f.Created.Format(time.DateTime), fate)))
	}
}
