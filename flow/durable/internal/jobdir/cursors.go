package jobdir

import (
	"maps"

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
	Filtered   int    `json:"filtered,omitempty"` // items that Job.Where leaves out
	Rejected   int    `json:"rejected,omitempty"` // items that cannot be used
	Ended      bool   `json:"ended"`
	Targets    int    `json:"targets"` // how many targets its rows may have

	// Earlier is what the job had when it last ended, if more was added since.
	Earlier *Earlier `json:"earlier,omitempty"`

	End segment.Pos `json:"end"` // of the request log

	First *FirstItem `json:"first,omitempty"` // to tell whether the job asks the same later
}

// Earlier is what a job had when it ended.
type Earlier struct {
	Rows      int `json:"rows"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Rejected  int `json:"rejected,omitempty"`
}

// FirstItem is the first item that a job has kept, and what it asks about it.
type FirstItem struct {
	Source  string `json:"source"`
	Line    int    `json:"line"`
	Key     string `json:"key"`
	Content []byte `json:"content"`
	Target  Target `json:"target,omitzero"`
	// Asked is the digest of a chat that has files, without them: they may
	// change after they were read.
	Asked []byte `json:"asked,omitempty"`
}

// OutputState is the progress of delivering results.
type OutputState struct {
	Mark      string             `json:"mark"`
	Succeeded int                `json:"succeeded"`
	Failed    int                `json:"failed"`
	Cached    int                `json:"cached"`
	Shared    int                `json:"shared,omitempty"` // results that followers got
	Retried   int                `json:"retried"`
	Resent    int                `json:"resent,omitempty"`    // of these: of rows that may have been paid for, as a person has decided
	Late      int                `json:"late,omitempty"`      // results that came after their item's deadline
	Unsourced int                `json:"unsourced,omitempty"` // results most of whose fields rest on no citation
	Routes    map[int]RouteState `json:"routes,omitempty"`    // by number
}

// RouteState is what a route has done.
type RouteState struct {
	Succeeded int       `json:"succeeded"` // items that it answered when they were sent
	Failed    int       `json:"failed"`
	Usage     llm.Usage `json:"usage"`
	Spent
}

// Usage returns the usage of all routes.
func (s *OutputState) Usage() (total llm.Usage) {
	for _, r := range s.Routes {
		total = total.Add(r.Usage)
	}
	return total
}

// With returns the state with more done by a route. The original stays as it
// is.
func (s OutputState) With(route int, more RouteState) OutputState {
	if more == (RouteState{}) {
		return s
	}
	s.Routes = maps.Clone(s.Routes)
	if s.Routes == nil {
		s.Routes = make(map[int]RouteState)
	}
	was := s.Routes[route]
	s.Routes[route] = RouteState{was.Succeeded + more.Succeeded, was.Failed + more.Failed, was.Usage.Add(more.Usage), was.Add(more.Spent)}
	return s
}

// Equal reports whether the states are the same.
func (s OutputState) Equal(t OutputState) bool {
	return s.Mark == t.Mark && s.Succeeded == t.Succeeded && s.Failed == t.Failed && s.Cached == t.Cached && s.Shared == t.Shared &&
		s.Retried == t.Retried && s.Resent == t.Resent && s.Late == t.Late && s.Unsourced == t.Unsourced && maps.Equal(s.Routes, t.Routes)
}

// Settled counts the results that were delivered.
func (s *OutputState) Settled() int { return s.Succeeded + s.Failed }
