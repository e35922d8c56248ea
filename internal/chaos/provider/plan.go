// Package provider is a batch provider of its own, written from the protocol
// alone: files and batches over HTTP, with its state on disk, a bill, and
// faults.
//
// It speaks OpenAI's protocol or Anthropic's. It shares no code with
// sink/simulator and the clients. So it does not repeat a mistake of these
// about a protocol.
package provider

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// Kind names a fault: what is done, and to whom. Those on a call are named
// after the call and the action, such as "create.lost".
type Kind string

// Dose is how often a fault happens: with which probability where it can, and
// at most how many times.
type Dose struct {
	P   float64 `json:"p"`
	Max int     `json:"max"`
}

// Plan is all that is drawn for a provider. Its zero value is a provider that
// answers at once and never fails.
type Plan struct {
	Seed     uint64 `json:"seed"`
	Protocol string `json:"protocol"`
	// Grace is what the client was told. A creation that is applied later than
	// that after it was received is noted as late.
	Grace time.Duration `json:"grace"`
	// How long a batch is in each state. Each batch draws between half of it
	// and one and a half times of it.
	Validation, Processing, Finalizing, Cancelling time.Duration

	MaxBytes int64         `json:"max_bytes"` // of an upload, or of a creation with rows; 0 is without bound
	Enqueued int           `json:"enqueued"`  // tokens of the batches that are open at a time, or rows at Anthropic; 0 is without bound
	PageSize int           `json:"page_size"` // of the list of batches; 0 means as asked for
	Foreign  int           `json:"foreign"`   // batches of other programs that are there from the start
	Rival    Rival         `json:"rival"`     // and those that are created beside the client's
	Faults   map[Kind]Dose `json:"faults"`
}

// Rival is somebody else in the same workspace, who creates batches of as many
// rows as the client's, before, between and after these.
type Rival struct {
	P     float64 `json:"p"`     // that a creation of the client has some beside it
	Max   int     `json:"max"`   // batches, altogether
	Never int     `json:"never"` // of these, at most so many do not end until they are released
	Tags  bool    `json:"tags"`  // some have row ids as those of another directory of the client's kind
}

const planFile = "plan.json"

// Write writes the plan to the directory of a provider.
func (p *Plan) Write(dir string) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, planFile), b, 0o600)
}

func readPlan(dir string) (p Plan, err error) {
	b, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return p, err
	}
	err = json.Unmarshal(b, &p)
	return p, err
}
