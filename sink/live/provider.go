package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

// Caller is a client with a synchronous call, as each provider package has one.
type Caller interface {
	Info() sink.Info
	Check(ctx context.Context) error
	// Call makes the call once. An error reply is returned with its error,
	// which is Ambiguous if the row may have been answered.
	Call(ctx context.Context, call sink.LiveCall) (sink.LiveReply, error)
}

// Provider implements sink.Provider. It is safe for concurrent use, and has
// goroutines while it has batches to run: see Close.
type Provider struct {
	sink.Basic
	caller   Caller
	cfg      Config
	info     sink.Info
	limiter  *ratelimit.Limiter
	breaker  *retry.Breaker
	estimate *estimator

	root    *os.Root
	lock    *flock.Flock
	open    context.Context //nolint:containedctx // until Close
	stop    context.CancelCauseFunc
	running sync.WaitGroup
	closing sync.Once

	changing sync.Mutex // of what batches there are on disk, taken before mu
	mu       sync.Mutex
	batches  map[string]*batch // by tag, those that were asked about
}

var _ sink.Provider = (*Provider)(nil)

// lockFile keeps other Providers away from a directory.
const lockFile = "lock"

// ErrLocked means that another Provider uses the directory, in this process or
// another one.
var ErrLocked = errors.New("live: the directory is in use")

// errClosed is the cause of what ends with Close.
var errClosed = retry.Mark(errors.New("live: the provider was closed"), retry.Retryable)

// New returns a Provider that asks row by row through the caller. It makes no
// call. Its error names the field of c that makes no sense, or is ErrLocked.
func New(caller Caller, c Config) (*Provider, error) {
	c = c.withDefaults()
	p := &Provider{caller: caller, cfg: c, info: describe(caller.Info()), batches: make(map[string]*batch)}
	if err := p.limit(); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	if err := p.openDir(); err != nil {
		return nil, err
	}
	p.open, p.stop = context.WithCancelCause(context.Background())
	return p, nil
}

// limit makes what paces the calls.
func (p *Provider) limit() (err error) {
	if err := p.cfg.validate(); err != nil {
		return err
	}
	if p.limiter, err = ratelimit.NewLimiter(p.cfg.Rate); err != nil {
		return err
	}
	p.estimate = newEstimator(p.cfg.Rate.OutputTokens == 0)
	p.breaker, err = retry.NewBreaker(p.info.Service(), p.cfg.Breaker)
	return err
}

// openDir makes the directory and locks it.
func (p *Provider) openDir() error {
	if err := os.MkdirAll(p.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	lock := flock.New(filepath.Join(p.cfg.Dir, lockFile), flock.SetPermissions(0o600))
	switch locked, err := lock.TryLock(); {
	case err != nil:
		return fmt.Errorf("live: lock %s: %w", p.cfg.Dir, err)
	case !locked:
		return fmt.Errorf("%w: %s: give each provider a directory of its own, and end the other process", ErrLocked, p.cfg.Dir)
	}
	root, err := os.OpenRoot(p.cfg.Dir)
	if err == nil {
		err = atomicfile.Private(root, ".")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("live: %w", err), lock.Unlock())
	}
	p.root, p.lock = root, lock
	return nil
}

// describe returns what the provider is when rows are asked one by one. Who
// answers and who pays is the same.
func describe(info sink.Info) sink.Info {
	info.Tags, info.RepeatableCreate = sink.TagMetadata, true
	info.PartialResults, info.Lists, info.Live = true, true, true
	info.Files, info.Clock, info.FileStore = false, false, nil
	return info
}

// Info implements sink.Provider. Name, Origin and Account are those of the
// caller.
func (p *Provider) Info() sink.Info { return p.info }

// Limits implements sink.Provider; they are the same for every model.
func (p *Provider) Limits(string) sink.Limits { return p.cfg.Limits }

// Check implements sink.Provider. A server that does not know the call has no
// batches, and may be used all the same.
func (p *Provider) Check(ctx context.Context) error {
	if err := p.usable(ctx); err != nil {
		return err
	}
	if err := p.caller.Check(ctx); err != nil && !client.Unserved(err) {
		return fmt.Errorf("live: %w", err)
	}
	return nil
}

// usable returns why no call may begin, nil if one may.
func (p *Provider) usable(ctx context.Context) error {
	if ctx.Err() != nil {
		return retry.Mark(fmt.Errorf("live: not started: %w", context.Cause(ctx)), retry.Retryable)
	}
	if p.open.Err() != nil {
		return errClosed
	}
	return nil
}

// Close begins no more calls, waits for those that are under way, at most for
// the timeout of a call, and for the row that a Create has asked for, and
// closes the files. Batches that have not ended go
// on when another Provider is asked about them. To end sooner, end the process:
// the calls under way are then unclear.
func (p *Provider) Close() (err error) {
	p.mu.Lock() // no batch goes on after this
	p.stop(errClosed)
	p.mu.Unlock()
	p.running.Wait()
	p.changing.Lock() // nobody writes without the lock of the directory
	defer p.changing.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing.Do(func() { err = errors.Join(p.root.Close(), p.lock.Unlock()) })
	return err
}
