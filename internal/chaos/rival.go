//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// drawRival draws who else creates batches. A run that takes back what a lost
// directory has bought knows it by the ids of the rows alone, so that nobody
// has such ids then.
func (w *world) drawRival() {
	r := w.random
	w.Plan.Rival = provider.Rival{P: 0.3 + 0.7*r.Float64(), Max: 5 + r.IntN(30), Tags: w.Incidents.Losses == 0}
	w.Plan.PageSize *= 5 // all pages are read for each batch in doubt, at four calls a second
	if r.IntN(2) == 0 {
		w.Plan.Rival.Never = 1 + r.IntN(3)
	}
}

// endsOrWaits waits for the end of the run, as long as it does something. A run
// that waits for nothing but batches of somebody else, which may be its own as
// long as they have not ended, would wait for a day: they are given up then.
func (l *life) endsOrWaits(ctx context.Context) bool {
	const look, enough = 500 * time.Millisecond, 4
	held, before := 0, ""
	for until := time.Now().Add(patience); time.Now().Before(until) && ctx.Err() == nil; {
		if l.client.ended(ctx, look) {
			return true
		}
		status := l.readStatus()
		if now := fmt.Sprint(status); now != before {
			before, until = now, time.Now().Add(patience)
		}
		if held++; !status.isHeld() {
			held = 0
		}
		if held == enough && l.Plan.Rival.Never > 0 && l.happened.Releases == 0 {
			l.say("the rival gives up")
			l.happened.Releases++
			if err := provider.Release(l.vendor.dir); err != nil {
				l.found.add(other, "%v", err)
			}
		}
	}
	return l.client.hasEnded()
}

// status is what a run says of its batches, as much of it as moves.
type status struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Open      []struct {
		Tag       string `json:"tag"`
		State     string `json:"state"`
		Undecided bool   `json:"undecided"`
	} `json:"open"`
}

// readStatus reads what the run says. It says nothing at first.
func (l *life) readStatus() status {
	names, _ := filepath.Glob(filepath.Join(l.dir, ".baler", "runs", "*", "status.json")) // the pattern is right
	if len(names) != 1 {
		return status{}
	}
	var file struct {
		Value status `json:"value"`
	}
	if json.Unmarshal([]byte(text(names[0])), &file) != nil {
		return status{}
	}
	return file.Value
}

// isHeld reports whether the run waits for batches that it cannot tell from
// those of others, and for nothing else but room beside them, and a decision
// once they are known.
func (s status) isHeld() bool {
	held := false
	for _, open := range s.Open {
		switch {
		case open.State == "held":
			held = true
		case open.State != "sealed" && open.State != "uploaded" && !open.Undecided:
			return false
		}
	}
	return held
}
