package archive

import (
	"iter"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// Batch is a batch of the run, and what became of it.
type Batch struct {
	Tag       string    `json:"tag"`             // every custom_id begins with it
	Batch     string    `json:"batch,omitempty"` // the provider's name for it; none if it was not bought
	State     string    `json:"state"`           // such as "submitted"
	Route     string    `json:"route,omitempty"` // of a job with several
	Provider  string    `json:"provider"`
	Endpoint  string    `json:"endpoint"`
	Model     string    `json:"model"`
	Live      bool      `json:"live,omitempty"` // its rows were asked one by one
	Rows      int       `json:"rows"`
	SentAt    time.Time `json:"sent_at,omitzero"`    // when it was bought
	SettledAt time.Time `json:"settled_at,omitzero"` // when its last result was settled; zero while there are open ones

	bought bool // and not refused or abandoned
}

// Batches returns all batches of the run, in the order in which they were
// bought. Those that were not bought come first.
func (a *Archive) Batches() []Batch {
	settled := make(map[string]time.Time)
	for i := range a.Chunks {
		settled[a.Chunks[i].Tag] = a.Chunks[i].At
	}
	out := make([]Batch, 0, len(a.Intents))
	for _, in := range a.byTime() {
		r := a.Routes[in.Route]
		b := Batch{
			Tag: in.Tag, Batch: in.Batch, State: string(in.State), Route: r.Name, Provider: r.Provider,
			Endpoint: r.Endpoint, Model: r.Model, Live: r.Live, Rows: in.Rows, SentAt: in.SentAt,
			bought: in.Bought() && !in.Abandoned,
		}
		if in.State == intent.Committed || in.State == intent.Cleaned {
			b.SettledAt = settled[in.Tag]
		}
		out = append(out, b)
	}
	return out
}

// Settlement is how far the run was when results were settled.
type Settlement struct {
	At        time.Time `json:"at"`
	Batch     string    `json:"batch"`     // the tag of the batch that they came from
	Succeeded int       `json:"succeeded"` // so far, with those from the cache and shared ones
	Failed    int       `json:"failed"`    // so far
}

// Settlements yields how the run went on: an entry for each part of a batch
// that was settled, in that order. A clock that was changed may put times out
// of order.
func (a *Archive) Settlements() iter.Seq[Settlement] {
	return func(yield func(Settlement) bool) {
		for i := range a.Chunks {
			c := &a.Chunks[i]
			if !yield(Settlement{c.At, c.Tag, c.Output.Succeeded, c.Output.Failed}) {
				return
			}
		}
	}
}
