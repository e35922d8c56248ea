package batchapi

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/sink/llm"
)

// What the Server keeps is below the state directory.
const (
	filesDir   = "batchapi/files"
	batchesDir = "batchapi/batches"
)

// status is how far a batch is, in OpenAI's words.
type status string

const (
	validating status = "validating"
	inProgress status = "in_progress"
	finalizing status = "finalizing"
	completed  status = "completed"
	cancelling status = "cancelling"
	cancelled  status = "cancelled"
	failed     status = "failed"
	expired    status = "expired"
)

// record is a batch as it is kept.
type record struct {
	ID         string            `json:"id"`
	Protocol   string            `json:"protocol"`
	Owner      string            `json:"owner"`
	Version    string            `json:"version,omitempty"`
	HadKey     bool              `json:"had_key,omitempty"` // its caller
	Endpoint   string            `json:"endpoint"`
	Input      string            `json:"input"` // the file with its requests
	Window     string            `json:"window"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Status     status            `json:"status"`
	Created    time.Time         `json:"created"`
	Expires    time.Time         `json:"expires"`
	InProgress time.Time         `json:"in_progress,omitzero"`
	Cancelling time.Time         `json:"cancelling,omitzero"`
	Finalizing time.Time         `json:"finalizing,omitzero"`
	Ended      time.Time         `json:"ended,omitzero"`
	Rows       int               `json:"rows"`
	Providers  map[string]string `json:"providers,omitempty"`   // by route, "" without Routes
	Rejects    []reject          `json:"rejects,omitempty"`     // of Anthropic's protocol: requests that are wrong by themselves
	Errors     []lineError       `json:"errors,omitempty"`      // of OpenAI's: why it has failed
	OutputKeep time.Duration     `json:"output_keep,omitempty"` // of its results; 0: Config.Keep
	Output     string            `json:"output,omitempty"`      // the file with its results
	ErrorFile  string            `json:"error_file,omitempty"`
	Trouble    string            `json:"trouble,omitempty"` // why it was given up
	Left       bool              `json:"left,omitempty"`    // then it had batches open at a provider, which are to be cancelled
	Deleted    bool              `json:"deleted,omitempty"` // its caller sees it no more
	Counts     counts            `json:"counts"`            // once it has ended
	Usage      llm.Usage         `json:"usage"`
}

// counts are of rows.
type counts struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	NotRun    int `json:"not_run"`
}

// lineError is what is wrong with a line, as OpenAI has it.
type lineError struct {
	Code    string  `json:"code"`
	Line    *int    `json:"line"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
}

// reject is a request that cannot be used.
type reject struct {
	CustomID string `json:"custom_id"`
	Reason   string `json:"reason"`
	line     int    // of the input
}

func (r *record) ended() bool {
	return slices.Contains([]status{completed, cancelled, failed, expired}, r.Status)
}

// wants reports whether there is something to do about the batch.
func (r *record) wants() bool { return !r.ended() || r.Left }

// run is the name of the batch's run in the Dir.
func (r *record) run() string {
	_, id, _ := strings.Cut(r.ID, "_")
	return "batch-" + id
}

func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// batch is a batch of this process.
type batch struct {
	server *Server

	mu     sync.Mutex
	record record
	driven bool
	// A batch that rests after an error takes another account.
	resting bool
	account *Account
}

func (b *batch) snapshot() record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.record
}

// wantsAccount reports whether the batch cannot go on with what it has.
func (b *batch) wantsAccount() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.driven || b.resting
}

// update keeps a change, and then shows it. It returns the batch as it is then.
func (b *batch) update(change func(*record)) (record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.record
	change(&next)
	if err := b.server.keep(path.Join(batchesDir, next.ID+".json"), next); err != nil {
		return b.record, err
	}
	b.record = next
	return next, nil
}

func (s *Server) keep(name string, v any) error {
	data, err := json.Marshal(v)
	if err == nil {
		err = atomicfile.Write(s.root, name, data)
	}
	if err != nil {
		return fmt.Errorf("batchapi: keep %s: %w", name, err)
	}
	return nil
}

// add keeps a new batch.
func (s *Server) add(r record) (*batch, error) {
	b := &batch{server: s}
	if _, err := b.update(func(to *record) { *to = r }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches[r.ID] = b
	return b, nil
}

// find returns a batch of a caller.
func (s *Server) find(c *call) (*batch, error) {
	id := c.r.PathValue("id")
	s.mu.Lock()
	b := s.batches[id]
	s.mu.Unlock()
	if b == nil {
		return nil, notFound("No batch found with id '%s'.", id)
	}
	if r := b.snapshot(); r.Owner != c.owner || r.Deleted {
		return nil, notFound("No batch found with id '%s'.", id)
	}
	return b, nil
}

// has reports whether a batch is still kept.
func (s *Server) has(b *batch) bool {
	id := b.snapshot().ID
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches[id] == b
}

// all returns the batches that are wanted, newest first.
func (s *Server) all(wanted func(*record) bool) (found []*batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		if r := b.snapshot(); wanted(&r) {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(x, y *batch) int {
		a, b := x.snapshot(), y.snapshot()
		return newer(a.Created, b.Created, a.ID, b.ID)
	})
	return found
}

func newer(x, y time.Time, xID, yID string) int {
	if c := y.Compare(x); c != 0 {
		return c
	}
	return strings.Compare(xID, yID)
}

// load reads the files and the batches that are kept.
func (s *Server) load() error {
	s.files, s.batches = make(map[string]file), make(map[string]*batch)
	err := s.each(filesDir, func(data []byte) error {
		var f file
		err := json.Unmarshal(data, &f)
		s.files[f.ID] = f
		return err
	})
	if err != nil {
		return err
	}
	return s.each(batchesDir, func(data []byte) error {
		b := &batch{server: s}
		err := json.Unmarshal(data, &b.record)
		s.batches[b.record.ID] = b
		return err
	})
}

// each reads the records of a directory.
func (s *Server) each(dir string, read func([]byte) error) error {
	names, err := fs.Glob(s.root.FS(), dir+"/*.json")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := s.root.ReadFile(name)
		if err == nil {
			err = read(data)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read: put it back from a backup, or remove it: %w", name, err)
		}
	}
	return nil
}

// drop removes what is kept under a name. What is gone already is no error.
func (s *Server) drop(name string) error {
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
