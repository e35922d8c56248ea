package jobdir

import (
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink/llm"
)

// TailState is the end of a priority's log.
type TailState struct {
	End segment.Pos `json:"end"`
	Seq uint64      `json:"seq"` // the last number given
}

// HeadState is the first entry of a priority's log that is not claimed.
type HeadState struct {
	Pos segment.Pos `json:"pos"`
	Seq uint64      `json:"seq"` // the entry's number, or a lower one
}

// SourceState is the progress of reading the source.
type SourceState struct {
	Checkpoint string `json:"checkpoint"`
	Rows       int    `json:"rows"`
	Duplicates int    `json:"duplicates"`
	Ended      bool   `json:"ended"`
	Routes     int    `json:"lanes"` // how many routes its rows may have

	End segment.Pos `json:"end"` // of the request log
}

// OutputState is the progress of delivering results.
type OutputState struct {
	Mark      string    `json:"mark"`
	Succeeded int       `json:"succeeded"`
	Failed    int       `json:"failed"`
	Cached    int       `json:"cached"`
	Retried   int       `json:"retried"`
	Usage     llm.Usage `json:"usage"`
}

// Settled counts the results that were delivered.
func (s *OutputState) Settled() int { return s.Succeeded + s.Failed }
