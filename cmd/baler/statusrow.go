package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/queue"
)

// rowStatus is where a row of a run is.
type rowStatus struct {
	archive.Item
	// Ahead is how many rows leave for a batch before this one, nil if that is
	// not known.
	Ahead  *int            `json:"ahead,omitempty"`
	Result *durable.Result `json:"result,omitempty"`
}

// showItem prints where a row is.
func showItem(ctx context.Context, w io.Writer, r *runFlags, h *durable.Handle, id string) error {
	s, err := findRow(ctx, r.state, h, id)
	switch {
	case err != nil:
		return err
	case r.json:
		return printJSON(w, "row", s)
	}
	printRow(w, &s)
	return nil
}

func findRow(ctx context.Context, state string, h *durable.Handle, id string) (s rowStatus, err error) {
	a, err := openArchive(state, []string{h.Name()})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	format, err := formatOfRun(a)
	if err != nil {
		return s, err
	}
	s.Item, err = a.Item(id, archive.Query{Codec: format.Codec, Codecs: codecsOf(format)})
	switch {
	case errors.Is(err, archive.ErrNoItem):
		return s, usage("the run %q has read no row with the id %q so far", h.Name(), id)
	case err != nil:
		return s, err
	case s.Item.Result != nil:
		s.Result = &s.Item.Result.Result
	}
	if s.Place != archive.PlaceWaiting {
		return s, nil
	}
	ahead, err := h.Position(ctx, id)
	if err != nil && !errors.Is(err, queue.ErrNotFound) {
		return s, err
	}
	if err == nil {
		s.Ahead = &ahead
	}
	return s, nil
}

func printRow(w io.Writer, s *rowStatus) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, plain(fmt.Sprintf(format, args...)))
	}
	line("row", "%s, line %s", s.Key, thousands(s.Line))
	if s.Tenant != "" {
		line("tenant", "%s", s.Tenant)
	}
	switch s.Place {
	case archive.PlaceWaiting:
		line("place", "waiting for a batch%s", aheadOf(s))
	case archive.PlaceBatch:
		line("place", "in a batch that is not settled")
	case archive.PlaceCancelled:
		line("place", "cancelled, with no result")
	case archive.PlaceSettled:
		line("place", "settled: %s", s.Result.Status)
	}
	if b := s.Batch; b != nil {
		line("batch", "%s  %s, %s%s", name(durable.OpenBatch{Batch: b.Batch, Tag: b.Tag}), b.State, rowCount(b.Rows), since(b.SentAt))
		line("route", "%s", strings.TrimSpace(fmt.Sprintf("%s %s at %s", b.Route, b.Model, b.Provider)))
	}
	line("sent before", "%s", counted(s.Sent, "time", "times"))
	if s.Result != nil && s.Result.Error != nil {
		line("error", "%s", s.Result.Error)
	}
	_ = t.Flush() // as with Fprintf: there is nobody to tell
}

func aheadOf(s *rowStatus) string {
	if s.Ahead == nil {
		return ""
	}
	return ", " + counted(*s.Ahead, "row leaves", "rows leave") + " before it"
}
