package jobdir

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Meta identifies a job. It must not change while the job is unfinished.
type Meta struct {
	ID       string            `json:"id"` // of this epoch: all files of the job name it
	Name     string            `json:"name"`
	Provider string            `json:"provider"`
	Settings map[string]string `json:"settings"`
	Model    string            `json:"model,omitempty"` // that the job named last; it may change
	Epoch    uint64            `json:"epoch"`
	Started  time.Time         `json:"started"` // this epoch, for the first time
	// Forgotten says that Forget has removed the job, and this epoch has not
	// begun.
	Forgotten bool `json:"forgotten,omitempty"`
}

// NewJobID returns 16 unique characters: 80 random bits.
func NewJobID() string { return rand.Text()[:16] }

// SchemaSetting is the setting with the schema of the answers.
const SchemaSetting = "answer schema"

// Keys returns the keys of the records of the job.
func (m Meta) Keys() Keys { return NewKeys(m.Name, m.Epoch) }

// maxSetting is how many bytes of a setting the index keeps.
const maxSetting = 100

// Compact returns the job as the index has it. The index keeps only small
// records, so a long setting, such as a prompt with examples, is replaced by
// its hash. The journal has it in full.
func (m Meta) Compact() Meta {
	m.Settings = maps.Clone(m.Settings)
	for name, value := range m.Settings {
		if len(value) > maxSetting {
			m.Settings[name] = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(value)))
		}
	}
	return m
}

// Differences returns the names of what has changed.
func (m Meta) Differences(was Meta) (names []string) {
	all := maps.Clone(was.Settings)
	if all == nil {
		all = make(map[string]string)
	}
	maps.Copy(all, m.Settings)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if m.Settings[name] != was.Settings[name] {
			names = append(names, name)
		}
	}
	return names
}
