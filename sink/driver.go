package sink

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/retry"
)

// buyer is what the batches of a stage have in common.
type buyer struct {
	provider Provider
	cfg      Config
	owners   *purchase.Owners
}

// driver takes one batch from its beginning to its end, as package intent says.
// Its record is in memory.
type driver struct {
	buyer
	intent.Intent
	spec Spec
	rows matcher

	until        time.Time     // when to give up; zero means never
	lastCreation time.Time     // after which it is not created any more; zero means never
	window       time.Duration // within which the provider ends the batch, 0 if there is no limit
	sent         time.Time     // when it was sent last
	polled       time.Time     // when it was polled last
	doubt        time.Time     // when its creation was given up
	failures     int           // calls in a row that failed
	unclear      error         // why it was given up
	repeated     bool          // its creation was repeated last, so that it is looked for next
	denied       bool          // its creation was refused when it was repeated
	tooLarge     bool          // it was taken back
	warned       bool          // of an unknown status
	evidence     purchase.Evidence
}

// errLarge means that the rows of a batch have to go in smaller ones.
var errLarge = errors.New("the batch is taken back, as it is too large")

// carry has the rows answered in one batch and calls take once for each of
// them, unless it returns an error, which holds for those it did not call take
// for. It names the rows itself. An error is that of take, of ctx, is errLarge,
// or says that the provider is blocked.
func (b buyer) carry(ctx context.Context, to route, rows []Row, take taker) error {
	d := b.newDriver(to, rows, take)
	err := d.run(ctx)
	if err != nil && !errors.Is(err, errLarge) {
		d.abandoned(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case retry.ClassOf(err) == retry.Blocked:
		return fmt.Errorf("sink: %w", err)
	case err != nil && !errors.Is(err, errLarge):
		return d.giveRest(rowErrorOf(err))
	}
	return err
}

func (b buyer) newDriver(to route, rows []Row, take taker) *driver {
	d := &driver{buyer: b, spec: Spec{Tag: tag.New(), Endpoint: to.endpoint, Model: to.model, New: true}}
	d.Intent = intent.Intent{Tag: d.spec.Tag, State: intent.Sealed, Rows: len(rows)}
	d.window = b.provider.Limits(to.model).Window
	d.rows = newMatcher(d.spec.Tag, rows, take)
	d.renew()
	if !d.until.IsZero() { // it leaves early enough to be polled in that time
		d.lastCreation = d.until.Add(-b.cfg.Poll)
		d.until = d.lastCreation
	}
	return d
}

// renew gives the batch another window before it is given up.
func (d *driver) renew() {
	if d.window > 0 {
		d.until = time.Now().Add(d.window + d.cfg.Grace)
	}
}

// lasts makes sure that the batch is not given up within a span.
func (d *driver) lasts(span time.Duration) {
	if least := time.Now().Add(span); !d.until.IsZero() && d.until.Before(least) {
		d.until = least
	}
}

func (d *driver) handle() Handle { return Handle{Batch: d.Batch, File: d.File} }

// run takes the batch to its end, or to an error.
func (d *driver) run(ctx context.Context) error {
	for !d.Done() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := d.step(ctx); err != nil {
			return err
		}
	}
	if d.tooLarge {
		return errLarge
	}
	return nil
}

// step does what the protocol asks for.
func (d *driver) step(ctx context.Context) error {
	switch d.Next() {
	case intent.Upload:
		return d.upload(ctx)
	case intent.Create:
		return d.create(ctx)
	case intent.Find:
		if d.repeats() {
			return d.repeat(ctx)
		}
		return d.find(ctx)
	case intent.Cancel:
		return d.cancel(ctx)
	case intent.Poll:
		return d.poll(ctx)
	case intent.Fetch:
		return d.fetch(ctx)
	case intent.Settle:
		return d.settle(ctx)
	case intent.Clean:
		return d.clean(ctx)
	case intent.Release:
		return d.release(ctx)
	case intent.Doubt, intent.Prove, intent.Nothing: // need a process before this one, or an exclusive workspace
	}
	return fmt.Errorf("sink: batch %s: nothing to do in state %s", d.Tag, d.State)
}

// advance records what has happened.
func (d *driver) advance(e intent.Event) (err error) {
	if d.Intent, err = intent.Apply(d.Intent, e); err == nil {
		d.owners.Note(d.Intent)
		d.failures = 0
	}
	return err
}

// backOff waits after a failed call, which the next step repeats. It returns
// the error if waiting does not help.
func (d *driver) backOff(ctx context.Context, call string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err = fmt.Errorf("%s: %w", call, err)
	switch retry.ClassOf(err) {
	case retry.Permanent, retry.Blocked:
		return err
	case retry.Retryable, retry.Ambiguous:
	}
	d.failures++
	d.cfg.Log.WarnContext(ctx, "trying again", "tag", d.Tag, "error", err)
	return d.pause(ctx, d.delay(d.failures, err), err)
}

// delay returns how long to wait after so many attempts.
func (b buyer) delay(attempts int, err error) time.Duration {
	p := b.cfg.Retry
	p.MaxAttempts, p.Classify = math.MaxInt, func(error) retry.Class { return retry.Retryable }
	d, _ := p.Next(attempts, err)
	return d
}

// pause waits because of err. If the wait would go beyond the time at which the
// batch is given up, it does not wait and returns err: with class ambiguous if
// the batch may have run.
func (d *driver) pause(ctx context.Context, wait time.Duration, err error) error {
	if d.until.IsZero() || time.Now().Add(wait).Before(d.until) {
		return purchase.Sleep(ctx, wait)
	}
	class := retry.Retryable
	if d.Batch != "" || d.Open() || retry.ClassOf(err) == retry.Ambiguous {
		class = retry.Ambiguous
	}
	return retry.Mark(fmt.Errorf("given up: %w", err), class)
}

// clean removes the batch's files if that is wanted and no row is missing.
func (d *driver) clean(ctx context.Context) error {
	if d.cfg.Remove && d.Missing == 0 {
		if err := d.provider.Remove(ctx, d.handle()); err != nil {
			d.cfg.Log.WarnContext(ctx, "files left at the provider", "batch", d.Batch, "error", err)
		}
	}
	return d.advance(intent.CleanDone{})
}

// release removes the upload of a batch that was taken back, if that is wanted.
func (d *driver) release(ctx context.Context) error {
	if d.cfg.Remove && d.File != "" {
		if err := d.provider.Remove(ctx, Handle{File: d.File}); err != nil {
			d.cfg.Log.WarnContext(ctx, "upload left at the provider", "tag", d.Tag, "error", err)
		}
	}
	return d.advance(intent.CleanDone{})
}

// abandoned logs that the batch is left to itself.
func (d *driver) abandoned(ctx context.Context) {
	if d.Batch != "" || d.Open() {
		d.cfg.Log.WarnContext(ctx, "batch left at the provider", "batch", d.Batch, "tag", d.Tag)
	}
}
