package simulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Simulator plays providers. It is an [http.Handler] and safe for concurrent
// use. Close it to stop its batches.
type Simulator struct {
	cfg       Config
	protocols map[string]protocol.Protocol // by name
	mounts    map[string]*mount            // by name
	root      *mount
	dir       string
	scratch   bool // dir is removed by Close
	clock     *clock
	files     *collection[protocol.File]
	batches   *collection[protocol.Batch]
	log       *jsonLog // of requests
	calls     *jsonLog // the ledger of live calls
	faults    *injector
	meters    *meters
	prompts   promptCache
	liveCalls atomic.Int64
	control   *http.ServeMux

	ctx     context.Context // ends when the Simulator is closed
	stop    context.CancelFunc
	workers sync.WaitGroup
	slots   chan struct{} // as many batches work at once as there are processors

	admission sync.Mutex // one batch is admitted at a time, as that depends on the others

	close func() error // once

	mu      sync.Mutex
	closed  bool
	changed chan struct{} // closed and replaced when a waiting batch must look again
	broken  error         // the first failure of the simulator itself
	blocked []Block
}

// New opens the providers kept in cfg.Dir, or starts new ones, and continues
// their unfinished batches. It fails if a field of cfg is out of range or the
// directory cannot be read.
func New(cfg Config) (*Simulator, error) { return newSimulator(cfg, protocols) }

// newSimulator opens providers that speak the given protocols.
func newSimulator(cfg Config, all map[string]protocol.Protocol) (*Simulator, error) {
	cfg, err := cfg.withDefaults(all)
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		cfg:       cfg,
		protocols: all,
		dir:       cfg.Dir,
		slots:     make(chan struct{}, runtime.GOMAXPROCS(0)),
		changed:   make(chan struct{}),
		faults:    newInjector(cfg.Seed, cfg.Faults),
		meters:    newMeters(),
		prompts:   promptCache{PromptCache: cfg.PromptCache},
		blocked:   slices.Clone(cfg.Blocked),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.close = sync.OnceValue(s.shutDown)
	s.mountAll(all)
	if err := s.open(); err != nil {
		s.stop()
		return nil, errors.Join(err, s.cleanUp())
	}
	s.control = s.controlRoutes()
	for _, b := range s.batches.all() {
		s.start(b.ID)
	}
	return s, nil
}

// open prepares the directory and reads what it holds.
func (s *Simulator) open() (err error) {
	if s.dir == "" {
		s.scratch = true
		if s.dir, err = os.MkdirTemp("", "baler-simulator-"); err != nil {
			return fmt.Errorf("simulator: make directory: %w", err)
		}
	}
	for _, name := range []string{contentDir, ledgerDir} {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o700); err != nil {
			return fmt.Errorf("simulator: make directory: %w", err)
		}
	}
	if s.clock, err = openClock(filepath.Join(s.dir, "clock.json"), s.cfg.Speed); err != nil {
		return err
	}
	if s.files, err = openCollection[protocol.File](filepath.Join(s.dir, "files")); err != nil {
		return err
	}
	if s.batches, err = openCollection[protocol.Batch](filepath.Join(s.dir, "batches")); err != nil {
		return err
	}
	for _, b := range s.batches.all() {
		if err := s.checkRecord(b.Identity); err != nil {
			return err
		}
		if b.Ended() { // a process that was killed may have left its input
			if err := s.deleteHidden(b.InputFile); err != nil {
				return err
			}
		}
	}
	if err := removeParts(filepath.Join(s.dir, contentDir)); err != nil {
		return err
	}
	if s.log, err = openJSONLog(filepath.Join(s.dir, "requests.jsonl")); err != nil {
		return err
	}
	s.calls, err = openJSONLog(s.livePath())
	return err
}

// Close stops all batches where they are, waits for them and releases the
// files. It returns the first failure of the simulator itself, such as a full
// disk. A Simulator opened on the same Dir continues. Closing again does
// nothing and returns the same.
func (s *Simulator) Close() error { return s.close() }

func (s *Simulator) shutDown() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.workers.Wait()
	return errors.Join(s.failure(), s.cleanUp())
}

func (s *Simulator) cleanUp() error {
	var errs []error
	if s.log != nil {
		errs = append(errs, s.log.close())
	}
	if s.calls != nil {
		errs = append(errs, s.calls.close())
	}
	if s.scratch {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// Now returns the time on the simulator's clock.
func (s *Simulator) Now() time.Time { return s.clock.now() }

// Advance moves the simulator's clock forward by d, which cannot be negative.
// What becomes due happens soon after; poll for it.
func (s *Simulator) Advance(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("simulator: advance clock by %v: time does not run backwards", d)
	}
	if err := s.clock.advance(d); err != nil {
		return err
	}
	s.notify()
	return nil
}
