package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// compete draws which batches somebody else creates beside one of the client's:
// of as many rows, shortly before it, with it, and after it. Some end long
// after it, and some never do, or never have results.
func (s *server) compete(b *BatchRecord) {
	if s.dice.Float64() >= s.plan.Rival.P {
		return
	}
	for range 1 + s.dice.IntN(3) {
		if s.rivals >= s.plan.Rival.Max {
			return
		}
		s.happen(event{Batch: s.rival(b)})
	}
}

// rival draws a batch of somebody else that looks like the client's.
func (s *server) rival(b *BatchRecord) *BatchRecord {
	d := s.dice
	at := b.Created.Add(d.between(-3*time.Second, 2*time.Second))
	if d.IntN(3) == 0 {
		at = b.Created.Add(d.between(-50*time.Millisecond, 50*time.Millisecond))
	}
	r := &BatchRecord{
		N: s.rivals + 1, Endpoint: b.Endpoint, Received: at, Created: at, Listed: at, Unknown: at,
		Foreign: true, Status: "completed",
	}
	r.ID = fmt.Sprintf("msgbatch_foreign_%d", r.N)
	r.Input = "body-" + r.ID
	r.Running = at.Add(d.around(s.plan.Validation))
	r.RanAll = r.Running.Add(d.around(s.plan.Processing))
	switch {
	case !s.released && s.nevers < s.plan.Rival.Never && d.IntN(8) == 0:
		r.Never, r.RanAll = true, at.Add(1000*time.Hour)
	case d.IntN(3) == 0:
		r.RanAll = r.RanAll.Add(d.between(2*time.Second, 12*time.Second))
	}
	r.End = r.RanAll.Add(d.around(s.plan.Finalizing))
	r.Output, r.Counts = r.End, r.End
	if !r.Never && !s.released && s.nevers < s.plan.Rival.Never && d.IntN(8) == 0 {
		r.Never, r.Output = true, at.Add(1000*time.Hour)
	}
	fate := byte(fine)
	switch d.IntN(8) {
	case 0:
		fate = failed
	case 1:
		fate, r.Status = neverSaid, "expired"
	}
	r.Fates = string(bytes.Repeat([]byte{fate}, len(b.Rows)))
	if d.IntN(10) == 0 {
		r.Workspace = otherWorkspace
	}
	s.store(r.Input, s.rivalBody(b, r))
	return r
}

// rivalBody is what such a batch is created from. The rows of some have the ids
// of the client's, under another tag.
func (s *server) rivalBody(b, r *BatchRecord) []byte {
	styles := 3
	if s.plan.Rival.Tags {
		styles++
	}
	style := s.dice.IntN(styles)
	all := make([]jsonObject, len(b.Rows))
	for i := range b.Rows {
		question := fmt.Sprintf("of somebody else, %s %d", r.ID, i)
		id := [...]string{fmt.Sprintf("request-%d", i), strconv.Itoa(i), digest(r.ID, question), ""}[style]
		if id == "" {
			id = ForeignTag + b.Rows[i].CustomID[min(len(ForeignTag), len(b.Rows[i].CustomID)):]
		}
		all[i] = jsonObject{"custom_id": id, "params": jsonObject{
			"model": "claude-m", "max_tokens": 10, "messages": []any{jsonObject{"role": "user", "content": question}},
		}}
	}
	body, err := json.Marshal(jsonObject{"requests": all})
	if err != nil {
		panic(err)
	}
	return body
}

// store writes what a batch is created from.
func (s *server) store(input string, body []byte) {
	if err := os.WriteFile(s.path(input), body, 0o600); err != nil {
		panic(err)
	}
}

const releaseFile = "release"

// Release has the rival give up those of its batches that would not end.
func Release(dir string) error {
	return os.WriteFile(filepath.Join(dir, releaseFile), nil, 0o600)
}

// obeyRelease looks whether the rival is to give up.
func (s *server) obeyRelease() {
	if s.released || s.nevers == 0 {
		return
	}
	switch _, err := os.Stat(filepath.Join(s.dir, releaseFile)); {
	case err == nil:
		s.happen(event{Release: true})
	case !errors.Is(err, os.ErrNotExist):
		panic(err)
	}
}

// release cancels all that the rival has under way.
func (s *server) release(at time.Time) {
	s.released = true
	for _, b := range s.batches {
		if b.Never && at.Before(b.End) {
			b.Stop, b.Status = at, "cancelled"
			b.End = at.Add(s.plan.Cancelling)
			b.Output, b.Counts = b.End, b.End
		}
		if b.Never {
			b.Output = b.End
		}
	}
}
