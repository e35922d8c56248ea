package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// parse implements front: it reads an input as validation does. What is wrong
// with it comes with the rows that are not.
func (openai) parse(content []byte) (rows []row, faults []refusal) {
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

// refuses implements front: it draws whether validation refuses a batch.
func (s openai) refuses(b *BatchRecord) bool {
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
	rows, faults := s.parse(content)
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

func full(limit int) refusal {
	return refusal{Code: "token_limit_exceeded", Message: fmt.Sprintf(
		"Enqueued token limit reached for m in organization o. Limit: %d enqueued tokens. Please try again once some in_progress batches have been completed.", limit)}
}

func noFile(id string) refusal {
	param := "file_id"
	return refusal{"invalid_request", fmt.Sprintf("Cannot find file %s, or organization o does not have access to it.", id), &param, nil}
}
