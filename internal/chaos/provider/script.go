package provider

import (
	"strconv"
	"time"
)

// write draws what is going to happen to a batch.
func (s *server) write(b *BatchRecord) {
	d := s.dice
	b.Unknown = b.Created
	if d.roll(BatchHidden, b.ID) {
		b.Unknown = b.Created.Add(d.between(100*time.Millisecond, time.Second))
	}
	b.Listed = b.Created
	if d.roll(ListLag, b.ID) {
		b.Listed = b.Created.Add(d.between(0, s.plan.Grace/3))
	}
	b.Running = b.Created.Add(d.around(s.plan.Validation))
	b.RanAll = b.Running.Add(d.around(s.plan.Processing))
	b.End = b.RanAll.Add(d.around(s.plan.Finalizing))
	b.Status = "completed"
	if s.front.refuses(b) {
		b.Status = "failed"
		b.RanAll, b.End = b.Running, b.Running
	}
	b.Output, b.Counts = b.End, b.End
	if b.Status == "failed" {
		return
	}
	if d.roll(LateOutput, b.ID) {
		b.Output = b.End.Add(d.between(300*time.Millisecond, 2*time.Second))
	}
	if d.roll(LateCounts, b.ID) {
		b.Counts = b.End.Add(d.between(300*time.Millisecond, 2*time.Second))
	}
	if d.roll(Word, b.ID) {
		b.Odd = b.Created.Add(d.between(0, b.End.Sub(b.Created)))
	}
	s.decide(b)
}

// tokens are those of the inputs of some rows, roughly.
func tokens(rows []row) (n int) {
	for i := range rows {
		n += len(rows[i].Body) / 4
	}
	return n
}

// enqueued are the tokens of the batches that are open.
func (s *server) enqueued(now time.Time) (n int) {
	for _, b := range s.batches {
		if b.raw == nil && b.Status != "failed" && now.Before(b.End) {
			n += tokens(b.Rows)
		}
	}
	return n
}

// delay draws whether a creation is applied later.
func (s *server) delay(b *BatchRecord) bool {
	grace := s.plan.Grace
	switch {
	case s.dice.roll(CreateDelayed, b.ID):
		b.Created = b.Received.Add(s.dice.between(grace/10, grace/2))
	case s.dice.roll(CreateLate, b.ID):
		b.Created = b.Received.Add(s.dice.between(grace*3/2, grace*3))
	}
	b.Late = b.Created.Sub(b.Received) > grace*4/5
	return b.Created.Sub(b.Received) > grace/10
}

// decide draws the fate of each row.
func (s *server) decide(b *BatchRecord) {
	d := s.dice
	fates := make([]byte, len(b.Rows))
	for i := range b.Rows {
		fates[i] = s.fate(b, i)
	}
	ended, cancelled := d.roll(BatchExpired, b.ID), false
	if !ended {
		cancelled = d.roll(BatchCancelled, b.ID)
	}
	if ended || cancelled {
		b.Status = map[bool]string{true: "expired", false: "cancelled"}[ended]
		never := byte(neverSaid)
		if d.IntN(3) == 0 {
			never = neverMute
		}
		for i := d.IntN(len(fates) + 1); i < len(fates); i++ {
			fates[i] = never
		}
	}
	if d.roll(BatchVanished, b.ID) {
		for i := range fates {
			if runs(fates[i]) {
				fates[i] = vanished
			}
		}
	}
	b.Fates = string(fates)
}

// fate draws that of one row. What may pass has passed after some attempts.
func (s *server) fate(b *BatchRecord, i int) byte {
	d, question := s.dice, b.Rows[i].question
	target := b.ID + " " + strconv.Itoa(i)
	if b.Rows[i].wrong != "" {
		return bad
	}
	if v := s.plan.Verdict(question); v.Code != "" {
		d.note(v.Kind, target)
		if v.Ran {
			return flawed
		}
		return bad
	}
	if s.attempts[question] < 3 {
		for _, f := range []struct {
			kind Kind
			fate byte
		}{{RowFailed, failed}, {RowError, mistaken}, {RowTimeout, timeout}, {RowStatus0, status0}, {RowMissing, missing}} {
			if d.roll(f.kind, target) {
				if f.fate == failed && d.IntN(2) == 0 {
					return limited
				}
				return f.fate
			}
		}
	}
	switch {
	case d.roll(RowRepeated, target):
		return repeated
	case d.roll(RowForeign, target):
		return foreign
	case d.roll(RowVanished, target):
		return vanished
	}
	return fine
}
