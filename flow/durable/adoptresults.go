package durable

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// answered is what the provider says about the rows of an orphan.
type answered struct {
	refused bool                       // it never ran
	models  map[jobdir.ItemHash]string // of rows that were paid for: the model that the answer names, "" if it names none
	failed  map[jobdir.ItemHash]bool
	err     error // why there may be more rows than these
}

// How often the results of an orphan are read before they are taken for all
// that there are, and how long after one another: a file may be gone or short
// for a moment, and rows that are not adopted are bought again.
const (
	adoptionReads = 3
	adoptionPause = time.Second
)

// readAnswered reads the results of an orphan that has ended. The error is one
// that may pass: the missing results may be available later.
func readAnswered(ctx context.Context, p sink.Provider, o Orphan) (answered, error) {
	r := answered{models: make(map[jobdir.ItemHash]string), failed: make(map[jobdir.ItemHash]bool)}
	s, err := p.Status(ctx, sink.Handle{Batch: o.Batch})
	if err != nil {
		return r, err
	}
	if s.Err != nil && s.Unaccounted(max(o.Rows, 1), 0, 0) == 0 {
		r.refused = true
		return r, nil
	}
	for n := 1; ; n++ {
		r.read(ctx, p, o)
		if r.whole(s) || n == adoptionReads {
			break
		}
		if err := purchase.Sleep(ctx, adoptionPause); err != nil {
			return r, err
		}
	}
	if r.err != nil && (ctx.Err() != nil || !r.final(s)) {
		return r, r.err
	}
	return r, nil
}

// read adds the results that come.
func (r *answered) read(ctx context.Context, p sink.Provider, o Orphan) {
	r.err = nil
	for row, err := range p.Results(ctx, sink.Handle{Batch: o.Batch}) {
		h, ok := jobdir.ParseRowID(o.Tag, row.ID)
		switch {
		case err != nil:
			r.err = err
		case ok && (row.Err == nil || isPaid(&row)):
			r.models[h] = answeredModel(row.Body)
			delete(r.failed, h)
		case ok:
			if _, answered := r.models[h]; !answered {
				r.failed[h] = true
			}
		}
	}
}

// whole reports whether the results are as many as the provider counts.
func (r *answered) whole(s sink.Status) bool {
	return r.err == nil && len(r.models)+len(r.failed) >= s.Succeeded+s.Failed
}

// isPaid reports whether a row without an answer has run nevertheless. The
// provider counts it as a success and charges for it each time that it runs.
func isPaid(row *sink.Outcome) bool {
	return row.Err.Class == retry.Permanent && row.Status/100 == 2
}

// final reports whether no more answers will come. If one file is gone, the
// other can still be read. Once all answers are there, only failures can be
// missing.
func (r *answered) final(s sink.Status) bool {
	all := len(r.models) > 0 && len(r.models) == s.Succeeded
	return all || retry.ClassOf(r.err) == retry.Permanent
}

// answeredModel returns the model that an answer names, "" if it names none.
// All providers use the same member for it.
func answeredModel(body []byte) string {
	var answer struct {
		Model string `json:"model"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Model
}

// waitingFor returns the waiting entries of answered rows, and counts the rows
// that the run cannot use. It removes from models the rows that it has found.
func (ad *adopter) waitingFor(models map[jobdir.ItemHash]string, lost *Lost) (entries []jobdir.Entry, err error) {
	if len(models) == 0 {
		return nil, nil
	}
	for row, err := range ad.batches.ready.Waiting() {
		if err != nil {
			return nil, ad.IfDamaged(jobdir.ReadyDir, err)
		}
		h := jobdir.HashKey(row.Key)
		model, ok := models[h]
		if !ok {
			continue
		}
		delete(models, h)
		if row, err = ad.batches.routed(row); err != nil {
			return nil, err
		}
		if !ad.asks(row.Route, model) {
			lost.OtherModel++
			continue
		}
		entries = append(entries, row)
	}
	known, err := knownOf(ad, models)
	lost.Unknown += len(models) - known
	return entries, err
}

// asks reports whether the model may have answered a request of the route. An
// answer may name a version of the route's model.
func (ad *adopter) asks(route uint16, model string) bool {
	return model == "" || strings.HasPrefix(model, ad.batches.routes.get(int(route)).Model)
}

// knownOf counts the items that the run has read. It reads the request log.
func knownOf[V any](ad *adopter, items map[jobdir.ItemHash]V) (known int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	for g, err := range ad.IngestedGroups(ad.batches.requests.End()) {
		if err != nil {
			return 0, err
		}
		for i := range g.Entries {
			if _, ok := items[jobdir.HashKey(g.Entries[i].Key)]; ok {
				known++
			}
		}
	}
	return known, nil
}

func sameRoute(entries []jobdir.Entry) bool {
	for i := range entries {
		if entries[i].Route != entries[0].Route {
			return false
		}
	}
	return true
}
