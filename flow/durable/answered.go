package durable

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/balerhq/baler/sink"
)

// errLines is a batch that was never run.
var errLines = errors.New("its results name lines, of which nobody knows the rows")

// readAnswered returns the rows of an orphan that succeeded, each with the model
// that its answer names, if it does. Those of one whose results are gone are none.
func readAnswered(ctx context.Context, p sink.Provider, o Orphan) (map[itemHash]string, error) {
	answers := make(map[itemHash]string)
	for row, err := range p.Results(ctx, sink.Handle{Batch: o.Batch}) {
		switch h, ok := parseRowID(o.Tag, row.ID); {
		case isGone(err):
			return nil, nil
		case err != nil:
			return nil, err
		case row.ID == "" && row.Line > 0:
			return nil, errLines
		case ok && row.Err == nil:
			answers[h] = answeredModel(row.Body)
		}
	}
	return answers, nil
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

// waitingFor returns the waiting entries of answered rows.
func (e *engine) waitingFor(answers map[itemHash]string) (entries []entry, err error) {
	if len(answers) == 0 {
		return nil, nil
	}
	for row, err := range e.ready.waiting() {
		if err != nil {
			return nil, e.ifDamaged(readyDir, err)
		}
		model, ok := answers[hashKey(row.key)]
		// The answer may name a version of what was asked for.
		if ok && (model == "" || strings.HasPrefix(model, e.lanes.get(int(row.lane)).Model)) {
			entries = append(entries, row)
		}
	}
	return entries, nil
}

func sameLane(entries []entry) bool {
	for i := range entries {
		if entries[i].lane != entries[0].lane {
			return false
		}
	}
	return true
}
