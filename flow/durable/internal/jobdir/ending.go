package jobdir

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/flow/state"
)

// Ending is the state of a job's source and output.
type Ending struct {
	At     time.Time   `json:"at"` // when it was pruned
	Source SourceState `json:"source"`
	Output OutputState `json:"output"`
}

// EndOf reads the state of a job's source and output.
func EndOf(ctx context.Context, store state.Store, k Keys) (Ending, error) {
	source, output := Record[SourceState]{Key: k.Source()}, Record[OutputState]{Key: k.Output()}
	err := errors.Join(Load(ctx, store, &source), Load(ctx, store, &output))
	return Ending{At: time.Now(), Source: source.Value, Output: output.Value}, err
}

// NothingAdded reports whether a job that had ended was to go on, and nothing
// has come since: it is as it was when it ended.
func (e Ending) NothingAdded() bool {
	was := e.Source.Earlier
	return was != nil && was.Rows == e.Source.Rows && was.Rejected == e.Source.Rejected && e.Output.Settled() == e.Source.Rows
}

// Finished reports whether every item has its result.
func (e Ending) Finished() bool {
	return e.Source.Ended && e.Output.Succeeded+e.Output.Failed == e.Source.Rows
}
