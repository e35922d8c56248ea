package durable

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// answered is what an orphan says of its rows.
type answered struct {
	refused bool                       // it never ran
	models  map[jobdir.ItemHash]string // of those that were paid for: what the answer says it is of, if it does
	failed  int
	err     error // why there may be more rows than these
}

// readAnswered reads what there is of an orphan that has ended. The error is one
// that may pass: then what is missing may be there later.
func readAnswered(ctx context.Context, p sink.Provider, o Orphan) (answered, error) {
	r := answered{models: make(map[jobdir.ItemHash]string)}
	h := sink.Handle{Batch: o.Batch}
	s, err := p.Status(ctx, h)
	if err != nil {
		return r, err
	}
	if s.Err != nil && s.Unaccounted(max(o.Rows, 1), 0, 0) == 0 {
		r.refused = true
		return r, nil
	}
	for row, err := range p.Results(ctx, h) {
		h, ok := jobdir.ParseRowID(o.Tag, row.ID)
		switch {
		case err != nil:
			r.err = err
		case ok && (row.Err == nil || isPaid(&row)):
			r.models[h] = answeredModel(row.Body)
		case ok:
			r.failed++
		}
	}
	if r.err != nil && (ctx.Err() != nil || !r.final(s)) {
		return r, r.err
	}
	return r, nil
}

// isPaid reports whether a row without an answer was run all the same: the
// provider counts it as a success, and asks for its price each time that it runs.
func isPaid(row *sink.Outcome) bool {
	return row.Err.Class == retry.Permanent && row.Status/100 == 2
}

// final reports whether there will be no more answers than these. A file that is
// gone takes nothing along of another one; and once all answers are there, it is
// only failures that cannot be read.
func (r *answered) final(s sink.Status) bool {
	all := len(r.models) > 0 && len(r.models) == s.Succeeded
	return all || retry.ClassOf(r.err) == retry.Permanent
}

// answeredModel is the model that an answer says it is of. All providers that say
// so do it in the same member.
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
// that the run cannot use. It takes from models what it has found.
func (ad *adopter) waitingFor(ctx context.Context, models map[jobdir.ItemHash]string, lost *Lost) (entries []jobdir.Entry, err error) {
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
		if !ad.asks(row.Route, model) {
			lost.OtherModel++
			continue
		}
		entries = append(entries, row)
	}
	for h := range models {
		switch known, err := ad.has(ctx, h); {
		case err != nil:
			return nil, err
		case !known:
			lost.Unknown++
		}
	}
	return entries, nil
}

// asks reports whether an answer of the model may be one to what the lane asks:
// it may name a version of that.
func (ad *adopter) asks(lane uint16, model string) bool {
	return model == "" || strings.HasPrefix(model, ad.batches.routes.get(int(lane)).Model)
}

// has reports whether the run has read an item.
func (ad *adopter) has(ctx context.Context, h jobdir.ItemHash) (bool, error) {
	_, err := ad.store.Get(ctx, ad.Keys.Item(h))
	if errors.Is(err, state.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func sameLane(entries []jobdir.Entry) bool {
	for i := range entries {
		if entries[i].Route != entries[0].Route {
			return false
		}
	}
	return true
}
