package intercept

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
)

// These are the defaults of a Config's zero fields.
const (
	DefaultBatchSize = 50
	DefaultWindow    = 2 * time.Second
	DefaultPoll      = 10 * time.Second
	DefaultCache     = 30 * 24 * time.Hour
	DefaultLeast     = 11 * time.Minute
)

// Config says how calls become rows. Dir is required.
type Config struct {
	// Dir remembers what was asked and answered. One Interceptor uses it at a
	// time.
	Dir *durable.Dir
	// All makes rows of all calls that can be rows. Zero means those whose
	// context is one of With.
	All bool
	// BatchSize is how many rows a batch has at most. Zero means 50.
	BatchSize int
	// Window is how long a batch that is not full waits for more calls. Zero
	// means two seconds.
	Window time.Duration
	// Poll is the shortest interval between two polls of a batch, see
	// durable.Job. Zero means ten seconds.
	Poll time.Duration
	// Grace is how long a batch is looked for whose creation was not answered,
	// as when the process was killed, before it is created again. Its calls wait
	// for that long. Zero means ten minutes; see durable.Job.
	Grace time.Duration
	// Cache is how old an answer may be that a call gets at once. Zero means 30
	// days; negative means that only those count which came since New.
	Cache time.Duration
	// Least is how long a call must be able to wait: one whose context ends
	// sooner fails at once with a *DeadlineError, unless its answer is there.
	// Zero means eleven minutes, so that the ten minutes of anthropic-sdk-go
	// are noticed; negative means any time.
	Least time.Duration
	// LiveWithin is how near its deadline a call passes through instead, at the
	// full price: that of its context, or the one that it states (see Deadline).
	// So set it to what batches take. A call whose answer is there gets that,
	// and one whose row is bought already waits for it, so that nothing is paid
	// twice.
	//
	// A call that waits for an open batch is asked live once half of it is left,
	// if that is at least Grace and Window together. The batch is cancelled for
	// that, keeps what it has answered, and its other rows are asked again when
	// it has ended. It is one of calls with deadlines alone. The deadline is
	// that of the call that has made the row; the row of a caller that is gone
	// is asked live, too.
	//
	// Zero means that no call is asked live; Least then says which ones fail.
	// Rows that an earlier process was to ask live still may be.
	LiveWithin time.Duration
	// DryRun buys nothing: a call without an answer fails with a *DryRunError.
	// So do calls that would pass through, except those that cost nothing, such
	// as lists of models.
	DryRun bool
	// Base carries the calls that pass through. Zero means
	// http.DefaultTransport.
	Base http.RoundTripper
	// Transport carries the calls to batch APIs. Zero means that of their
	// clients.
	Transport http.RoundTripper
	// Calls bound how many calls to a batch API begin in a second. Zero fields
	// mean the provider's defaults.
	Calls sink.Calls
	// AllowHTTP are hosts that may be called without TLS, beside this machine.
	AllowHTTP []string
	// Observe gets what happens to the batches of all accounts. About how it is
	// called see durable.Job.
	Observe func(durable.Event)
	// Notify gets problems that cost money or hours.
	Notify func(job string, n durable.Notice)
	// Log receives events, never a payload. Zero means slog.Default().
	Log *slog.Logger
}

// Interceptor makes rows of calls. It is an [http.RoundTripper], and safe for
// concurrent use.
type Interceptor struct {
	cfg     Config
	log     *slog.Logger
	began   time.Time
	store   state.Store // holds the directory for this process
	answers *answers
	counts  counts
	reuses  reuses

	ctx  context.Context // of all jobs
	stop context.CancelCauseFunc
	jobs sync.WaitGroup // and what begins them

	mu       sync.Mutex
	closed   bool
	waiting  map[callHash]*waiting
	payers   map[payer]*account
	accounts map[string]*account // by name
	dry      dryRun
}

// New opens an Interceptor. It makes no call.
func New(cfg Config) (*Interceptor, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.BatchSize = cmp.Or(cfg.BatchSize, DefaultBatchSize)
	cfg.Window, cfg.Poll, cfg.Cache = cmp.Or(cfg.Window, DefaultWindow), cmp.Or(cfg.Poll, DefaultPoll), cmp.Or(cfg.Cache, DefaultCache)
	cfg.Least = cmp.Or(cfg.Least, DefaultLeast)
	if cfg.Base == nil {
		cfg.Base = http.DefaultTransport
	}
	i := &Interceptor{
		cfg: cfg, log: cmp.Or(cfg.Log, slog.Default()), began: time.Now(), waiting: make(map[callHash]*waiting),
		payers: make(map[payer]*account), accounts: make(map[string]*account),
	}
	var err error
	if i.store, err = cfg.Dir.Store(); err != nil {
		return nil, fmt.Errorf("intercept: %w", err)
	}
	keep := max(cfg.Cache, DefaultCache) // also rows that wait long
	if i.answers, err = openAnswers(cfg.Dir.Path(), keep, i.began, i.log); err != nil {
		return nil, errors.Join(err, i.store.Close())
	}
	i.reuses.left, i.reuses.dirty = make(map[*account]durable.Reuse), make(chan struct{}, 1)
	i.ctx, i.stop = context.WithCancelCause(context.Background())
	i.jobs.Go(i.keepReuses)
	return i, nil
}

func (c *Config) validate() error {
	switch {
	case c.Dir == nil:
		return errors.New("intercept: Config.Dir is missing")
	case c.LiveWithin < 0:
		return fmt.Errorf("intercept: Config.LiveWithin is %s: must not be negative", c.LiveWithin)
	case c.BatchSize < 0:
		return fmt.Errorf("intercept: Config.BatchSize is %d: must not be negative", c.BatchSize)
	case c.Window < 0:
		return fmt.Errorf("intercept: Config.Window is %s: must not be negative", c.Window)
	case c.Poll < 0:
		return fmt.Errorf("intercept: Config.Poll is %s: must not be negative", c.Poll)
	case c.Grace < 0:
		return fmt.Errorf("intercept: Config.Grace is %s: must not be negative", c.Grace)
	}
	return nil
}

// Close detaches from all batches, which go on, and ends calls that wait with
// ErrClosed. The same calls get their answers from the next Interceptor with
// this Dir.
func (i *Interceptor) Close() error {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.stop(ErrClosed)
	i.jobs.Wait()
	err := i.closeLive()
	i.keepReusesNow()
	i.mu.Lock()
	left := i.waiting
	i.waiting = make(map[callHash]*waiting)
	i.mu.Unlock()
	for _, w := range left {
		w.fail(ErrClosed)
	}
	return errors.Join(err, i.answers.close(), i.store.Close())
}

func (i *Interceptor) closeLive() (err error) {
	i.mu.Lock()
	accounts := slices.Collect(maps.Values(i.accounts))
	i.mu.Unlock()
	for _, a := range accounts {
		err = errors.Join(err, a.closeLive())
	}
	return err
}

// enter makes Close wait until jobs.Done is called. It is false if that waits
// already.
func (i *Interceptor) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return false
	}
	i.jobs.Add(1)
	return true
}
