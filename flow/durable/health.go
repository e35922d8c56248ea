package durable

import (
	"errors"
	"path/filepath"

	"github.com/balerhq/baler/flow/state"
)

// Health is what Examine found in a state directory.
type Health struct {
	Path     string      `json:"path"`
	Jobs     []JobHealth `json:"jobs"`
	Problems []Problem   `json:"problems"` // none in a directory that is as it should be
}

// JobHealth is how far a job is, as its own files have it.
type JobHealth struct {
	Name      string         `json:"name"`
	Dir       string         `json:"dir"`
	Rows      int            `json:"rows"` // distinct items read
	Read      bool           `json:"read"` // the source was read to its end
	Succeeded int            `json:"succeeded"`
	Failed    int            `json:"failed"`
	Waiting   int            `json:"waiting"` // rows that are in no batch
	Batches   map[string]int `json:"batches"` // by the state that each is in
}

// Problem is what is wrong with a file.
type Problem struct {
	File string `json:"file"` // in the state directory; "" if it is not one of its files
	What string `json:"what"`
	// Index says that the index alone is at fault, so that Rebuild helps.
	Index bool `json:"index"`
}

func (h *Health) add(err error) {
	if err == nil {
		return
	}
	p := Problem{What: err.Error()}
	var damage *state.DamageError
	if errors.As(err, &damage) {
		p.File, p.What = damage.File, damage.Err.Error()
	}
	h.Problems = append(h.Problems, p)
}

// addIndex adds a problem that Rebuild solves.
func (h *Health) addIndex(err error) {
	if err != nil {
		h.add(err)
		h.Problems[len(h.Problems)-1].Index = true
	}
}

// indexFile is a file of the index, as problems name it.
func indexFile(name ...string) string { return filepath.Join(append([]string{"index"}, name...)...) }
