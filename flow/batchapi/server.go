package batchapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// These are the defaults of a Config's zero fields.
const (
	DefaultMaxUpload = 512 << 20
	DefaultKeep      = 30 * 24 * time.Hour
)

// Config says what answers. Dir and Connect are required.
type Config struct {
	// Dir has the runs, and the files of callers. One Server uses it at a time.
	Dir *durable.Dir
	// Connect returns what a caller's batches are bought from. It is called for
	// each batch that is made or goes on, and for callers who have nothing here
	// unless Config.Keyless is set, by several goroutines at a time. An
	// error refuses the batch; one that is made already is tried again later.
	Connect func(Caller) (Account, error)
	// Keyless says that Connect does not look at keys, so that batches of
	// callers who have one go on without them. Zero means that those wait for
	// their callers.
	Keyless bool
	// MaxUpload is how many bytes an upload, or a batch of Anthropic's, may
	// have. Zero means 512 MiB.
	MaxUpload int64
	// Keep is how long files and ended batches are kept, and the runs with
	// them. Zero means 30 days.
	Keep time.Duration
	// Poll is the shortest interval between two polls of a provider's batch,
	// see durable.Job. Zero means ten seconds.
	Poll time.Duration
	// Grace is how long a provider's batch is looked for whose creation was not
	// answered, before it is created again. Zero means ten minutes; see
	// durable.Job.
	Grace time.Duration
	// Observe gets what happens to the runs. About how it is called see
	// durable.Job.
	Observe func(durable.Event)
	// Notify gets problems that cost money or hours.
	Notify func(run string, n durable.Notice)
	// Log receives events, never a payload. Zero means slog.Default().
	Log *slog.Logger
}

// ErrClosed ends what a Server does once it is closed.
var ErrClosed = errors.New("batchapi: the server is closed")

// Server serves the protocols. It is an [http.Handler], and safe for concurrent
// use.
type Server struct {
	cfg   Config
	log   *slog.Logger
	root  *os.Root
	store state.Store // holds the directory for this process
	mux   *http.ServeMux
	web   http.Handler // the mux, for calls that no page of another site makes

	ctx  context.Context // of all runs
	stop context.CancelCauseFunc
	work sync.WaitGroup // calls and drivers

	mu      sync.Mutex
	closed  bool
	files   map[string]file
	batches map[string]*batch

	admitted map[string]bool // owners whose key can be used
}

// New opens a Server. Batches that are not finished go on, except those that
// wait for their caller's key.
func New(cfg Config) (*Server, error) {
	switch {
	case cfg.Dir == nil:
		return nil, errors.New("batchapi: Config.Dir is missing")
	case cfg.Connect == nil:
		return nil, errors.New("batchapi: Config.Connect is missing")
	case cfg.MaxUpload < 0:
		return nil, fmt.Errorf("batchapi: Config.MaxUpload is %d: must not be negative", cfg.MaxUpload)
	case cfg.Keep < 0:
		return nil, fmt.Errorf("batchapi: Config.Keep is %s: must not be negative", cfg.Keep)
	case cfg.Poll < 0:
		return nil, fmt.Errorf("batchapi: Config.Poll is %s: must not be negative", cfg.Poll)
	case cfg.Grace < 0:
		return nil, fmt.Errorf("batchapi: Config.Grace is %s: must not be negative", cfg.Grace)
	}
	cfg.MaxUpload, cfg.Keep = cmp.Or(cfg.MaxUpload, DefaultMaxUpload), cmp.Or(cfg.Keep, DefaultKeep)
	s := &Server{cfg: cfg, log: cmp.Or(cfg.Log, slog.Default()), admitted: make(map[string]bool)}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	s.routes()
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("batchapi: %w", err)
	}
	s.sweep()
	s.resume()
	return s, nil
}

// open reads what earlier processes have left.
func (s *Server) open() (err error) {
	if s.store, err = s.cfg.Dir.Store(); err != nil {
		return err
	}
	if s.root, err = os.OpenRoot(s.cfg.Dir.Path()); err == nil {
		err = errors.Join(segment.MkdirAll(s.root, filesDir), segment.MkdirAll(s.root, batchesDir))
		if err == nil {
			err = s.load()
		}
		if err == nil {
			err = s.clean()
		}
		if err != nil {
			err = errors.Join(err, s.root.Close())
		}
	}
	if err != nil {
		return errors.Join(err, s.store.Close())
	}
	return nil
}

// Close detaches from all batches, which go on at their provider, and in the
// next Server with this Dir. It waits for calls that are under way: end them
// first. Later ones get the status 503.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop(ErrClosed)
	s.work.Wait()
	return errors.Join(s.root.Close(), s.store.Close())
}

// spawn runs f, for which Close waits. It is false once that was called.
func (s *Server) spawn(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}

// enter makes Close wait until work.Done is called.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		writeError(w, protocolOf(r.URL.Path), &apiError{status: http.StatusServiceUnavailable, message: ErrClosed.Error()})
		return
	}
	defer s.work.Done()
	s.web.ServeHTTP(w, r)
}

// resume goes on with batches that need no caller.
func (s *Server) resume() {
	for _, b := range s.all((*record).wants) {
		r := b.snapshot()
		if r.HadKey && !s.cfg.Keyless {
			s.log.Info("a batch waits for its caller", "batch", r.ID)
			continue
		}
		account, err := s.cfg.Connect(Caller{Protocol: r.Protocol, Version: r.Version, Key: func() string { return "" }})
		if err != nil {
			s.log.Info("a batch waits for its caller", "batch", r.ID, "error", err)
			continue
		}
		s.start(b, &account)
	}
}

// wake goes on with the batches of a caller, who has the key. One that rests
// after an error tries the account of now.
func (s *Server) wake(c *Caller, owner string) {
	for _, b := range s.all(func(r *record) bool { return r.Owner == owner && r.wants() }) {
		if !b.wantsAccount() {
			continue
		}
		of := *c
		of.Version = b.snapshot().Version
		account, err := s.cfg.Connect(of)
		if err != nil {
			s.log.Error("a batch cannot go on", "batch", b.snapshot().ID, "error", err)
			continue
		}
		s.start(b, &account)
	}
}
