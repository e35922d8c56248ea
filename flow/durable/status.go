package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm/price"
)

// Status is the state and progress of a run, as any process can see it.
type Status struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"` // see Job.Labels
	Wanted State             `json:"wanted"`           // StateRunning, StatePaused or StateCancelled
	Report                   // of the process that runs the run, or ran it last
	Open   []OpenBatch       `json:"open"`
	// Notices are the current problems that cost money or hours, the oldest
	// first.
	Notices []Notice `json:"notices,omitempty"`
	// Reuse counts the answers that were given again, since the run began. Nil
	// means that none was. Those of its last second are missing if a process was
	// killed.
	Reuse *Reuse `json:"reuse,omitempty"`

	Output string `json:"output,omitempty"` // the file that gets the results, if they go to a file
	Reason string `json:"reason,omitempty"` // why it stopped, or "requested" or "time_limit" if it was cancelled
	// NeedsAction says that the run will stop for the same Reason again until a
	// person has acted.
	NeedsAction bool `json:"needs_action,omitempty"`

	PID      int       `json:"pid"`               // of that process
	Started  time.Time `json:"started"`           // for the first time
	Updated  time.Time `json:"updated"`           // when any of this changed last
	Deadline time.Time `json:"deadline,omitzero"` // when it will be cancelled
}

// OpenBatch is a batch that is not settled yet.
type OpenBatch struct {
	Tag    string    `json:"tag"`
	Batch  string    `json:"batch,omitempty"` // the provider's name, once there is one
	State  string    `json:"state"`           // such as "submitted"
	Route  string    `json:"route,omitempty"` // of a job with Routes
	Model  string    `json:"model"`
	Rows   int       `json:"rows"`
	Flush  *Flush    `json:"flush,omitempty"`  // why it was made when it was
	SentAt time.Time `json:"sent_at,omitzero"` // when it was bought
	// Creates counts the requests to create it that were sent.
	Creates int `json:"creates,omitempty"`

	Reserved price.Money `json:"reserved,omitempty"` // what it may cost, as estimated when it was sealed
	Cost     price.Money `json:"cost,omitempty"`     // of its rows that are settled

	// Missing counts rows that ran or may have run and are in no result so far.
	Missing int `json:"missing,omitempty"`
	// Undecided is true if a person has to decide about these, see
	// Handle.Settle.
	Undecided bool `json:"undecided,omitempty"`

	// Phase is the provider's name for the batch's state, as of the last poll.
	// Ran is how many of its rows have run; some providers count only at the
	// end.
	Phase string `json:"phase,omitempty"`
	Ran   int    `json:"ran,omitempty"`
}

// Unclear reports whether the batch may or may not exist, because its creation
// was not answered, see DecisionBuyAgain.
func (b *OpenBatch) Unclear() bool {
	switch intent.State(b.State) { //nolint:exhaustive // in all others it is known
	case intent.Creating, intent.Unknown, intent.Held:
		return true
	}
	return false
}

// Ended reports whether the run is completed or cancelled.
func (s Status) Ended() bool { return s.State == StateCompleted || s.State == StateCancelled }

// snapshot is the status file.
type snapshot struct {
	Status
	Applied int       `json:"applied"` // revision of the control file
	Told    *told     `json:"told,omitempty"`
	asked   time.Time // when that was written
}

// ErrNoRun means that a state directory has no run of the name.
var ErrNoRun = jobdir.ErrNoRun

// readStatus reads the status of the run and whether a process runs it. It
// corrects the status that a dead process has left.
func readStatus(d rundir.Dir) (s snapshot, held bool, err error) {
	// The lock is read first, so that a status is seen that was written before
	// the lock was released.
	if held, err = d.Locked(); err != nil {
		return s, held, err
	}
	c, err := d.Control()
	if err != nil {
		return s, held, err
	}
	switch found, err := d.Read(rundir.StatusFile, &s); {
	case err != nil:
		return s, held, err
	case !found:
		return s, held, ErrNoRun
	}
	if err := s.showReuse(d); err != nil {
		return s, held, err
	}
	s.Wanted, s.asked = State(c.Want), c.At
	if set := c.Budget.Instead(); set > 0 {
		s.Spending.Budget = set
	}
	switch {
	case s.Ended():
	case !held && s.State != StateStopped:
		s.State, s.Reason = StateStopped, "its process ended without reporting why"
	case held && s.State == StateStopped: // its new process is about to write another
		s.State = StateRunning
	}
	return s, held, nil
}

// Runs lists the runs of the directory by name, whether a process has it open
// or not.
func (d *Dir) Runs() ([]Status, error) { return runsIn(d.path) }

func runsIn(stateDir string) ([]Status, error) {
	if _, err := os.Stat(stateDir); err != nil {
		return nil, fmt.Errorf("durable: state directory: %w", err)
	}
	dirs, err := os.ReadDir(filepath.Join(stateDir, rundir.RunsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("durable: %w", err)
	}
	var all []Status
	for _, dir := range dirs {
		s, _, err := readStatus(rundir.Dir{Path: filepath.Join(stateDir, rundir.RunsDir, dir.Name())})
		if errors.Is(err, ErrNoRun) {
			continue // its first start failed
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s.Status)
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
