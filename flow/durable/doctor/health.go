package doctor

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
)

// Health is what Examine has found in a state directory.
type Health struct {
	Path     string      `json:"path"`
	Jobs     []JobHealth `json:"jobs"`
	Problems []Problem   `json:"problems"` // none if the directory is in order
}

// JobHealth is the progress of a job according to its own files.
type JobHealth struct {
	Name      string         `json:"name"`
	Dir       string         `json:"dir"`
	Rows      int            `json:"rows"` // distinct items read
	Read      bool           `json:"read"` // the source was read to its end
	Succeeded int            `json:"succeeded"`
	Failed    int            `json:"failed"`
	Waiting   int            `json:"waiting"` // rows that are in no batch
	Batches   map[string]int `json:"batches"` // by state
}

// Problem says what is wrong with a file.
type Problem struct {
	File   string `json:"file"` // in the state directory; "" if it is not one of its files
	What   string `json:"what"`
	Repair Repair `json:"cure,omitempty"`
}

// Repair is the repair that may solve a Problem.
type Repair string

// The repairs. RepairNone means that the file has to come from a backup.
const (
	RepairNone       Repair = ""
	RepairIndex      Repair = "index"   // by Rebuild
	RepairJournal    Repair = "journal" // by RepairJournals
	RepairBatchFiles Repair = "files"   // by RepairFiles
)

func (h *Health) add(err error) {
	if err == nil {
		return
	}
	p := Problem{What: err.Error()}
	if damage, ok := errors.AsType[*state.DamageError](err); ok {
		p.File, p.What = damage.File, damage.Err.Error()
	}
	if filepath.Base(p.File) == jobdir.JournalFile {
		p.Repair = RepairJournal
	}
	h.Problems = append(h.Problems, p)
}

// addFile adds a problem that RepairFiles solves, if it can.
func (h *Health) addFile(err error, curable bool) {
	if err == nil {
		return
	}
	h.add(err)
	if curable {
		h.Problems[len(h.Problems)-1].Repair = RepairBatchFiles
	}
}

// addIndex adds a problem that Rebuild solves, unless it is a problem of the
// journal.
func (h *Health) addIndex(err error) {
	if err == nil {
		return
	}
	h.add(err)
	if p := &h.Problems[len(h.Problems)-1]; p.Repair == RepairNone {
		p.Repair = RepairIndex
	}
}

// Needs reports whether the repair may solve one of the problems.
func (h *Health) Needs(c Repair) bool {
	return slices.ContainsFunc(h.Problems, func(p Problem) bool { return p.Repair == c })
}

// Repairable reports whether any repair may solve one of the problems.
func (h *Health) Repairable() bool {
	return h.Needs(RepairIndex) || h.Needs(RepairJournal) || h.Needs(RepairBatchFiles)
}

// indexFile returns the name of a file of the index, as problems name it.
func indexFile(name ...string) string { return filepath.Join(append([]string{"index"}, name...)...) }
