package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// parseRows reads an input as validation does. What is wrong with it comes with
// the rows that are not.
func parseRows(content []byte) (rows []row, faults []refusal) {
	seen := make(map[string]bool)
	n := 0
	for line := range bytes.Lines(content) {
		n++
		var r row
		err := json.Unmarshal(line, &r)
		if err == nil {
			r.question, err = Question(r.Body)
		}
		switch {
		case err != nil:
			faults = append(faults, refusal{"invalid_json_line", "This line is not parseable as valid JSON.", nil, &n})
			continue
		case r.CustomID == "" || seen[r.CustomID]:
			faults = append(faults, refusal{"duplicate_custom_id", "custom_id is missing or used twice", nil, &n})
		case r.Method != "POST":
			faults = append(faults, refusal{"missing_required_parameter", "method must be POST", nil, &n})
		}
		seen[r.CustomID] = true
		rows = append(rows, r)
	}
	if n == 0 {
		faults = append(faults, refusal{Code: "empty_file", Message: "The file is empty."})
	}
	return rows, faults
}

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
	if s.refuse(b) {
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

// refuse draws whether validation refuses a batch.
func (s *server) refuse(b *BatchRecord) bool {
	d := s.dice
	content, err := os.ReadFile(s.path(b.Input))
	f := s.files[b.Input]
	if err != nil || f == nil || f.deleted {
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			panic(err)
		}
		b.Refusal = []refusal{noFile(b.Input)}
		return true
	}
	rows, faults := parseRows(content)
	for i := range rows {
		if rows[i].URL != b.Endpoint {
			n, param := i+1, "url"
			faults = append(faults, refusal{"invalid_url", "The URL does not match the endpoint of the batch.", &param, &n})
		}
		if v := s.plan.Verdict(rows[i].question); v.Kind == RefuseLine {
			n, param := i+1, "body.model"
			faults = append(faults, refusal{v.Code, "The provided model is not supported by the Batch API.", &param, &n})
			d.note(RefuseLine, b.ID)
		}
	}
	b.Rows = rows
	switch {
	case len(faults) > 0:
		b.Refusal = faults
	case s.plan.Enqueued > 0 && tokens(rows)+s.enqueued(b.Created) > s.plan.Enqueued:
		d.note(RefuseFull, b.ID)
		b.Refusal = []refusal{full(s.plan.Enqueued)}
	case d.roll(RefuseTokens, b.ID): // those of others are in the way
		b.Refusal = []refusal{full(20_000_000)}
	case d.roll(RefuseFile, b.ID):
		b.Refusal = []refusal{noFile(b.Input)}
	case d.roll(RefuseCode, b.ID):
		b.Refusal = []refusal{{Code: "internal_hiccup_7", Message: "Something went wrong."}}
	case d.roll(RefuseNull, b.ID):
	default:
		return false
	}
	return true
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

func full(limit int) refusal {
	return refusal{Code: "token_limit_exceeded", Message: fmt.Sprintf(
		"Enqueued token limit reached for m in organization o. Limit: %d enqueued tokens. Please try again once some in_progress batches have been completed.", limit)}
}

func noFile(id string) refusal {
	param := "file_id"
	return refusal{"invalid_request", fmt.Sprintf("Cannot find file %s, or organization o does not have access to it.", id), &param, nil}
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
