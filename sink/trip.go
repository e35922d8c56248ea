package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/retry"
)

// trip is the life of one batch at a provider.
type trip struct {
	courier
	spec  Spec
	rows  sheet
	until time.Time // when to give up; zero means never

	file  string
	batch string    // once created
	sent  time.Time // when creation was last tried
}

func newTrip(c courier, to route, rows []Row, take taker) *trip {
	t := &trip{courier: c, spec: Spec{Tag: tag.New(), Endpoint: to.endpoint, Model: to.model}}
	t.rows = newSheet(t.spec.Tag, rows, take)
	t.renew()
	return t
}

// renew gives the trip another window before it is given up.
func (t *trip) renew() {
	if w := t.provider.Limits(t.spec.Model).Window; w > 0 {
		t.until = time.Now().Add(w + t.cfg.Grace)
	}
}

func (t *trip) handle() Handle { return Handle{Batch: t.batch, File: t.file} }

// run takes the rows there and back.
func (t *trip) run(ctx context.Context) error {
	err := t.persist(ctx, "upload", func() (err error) {
		t.file, err = t.provider.Upload(ctx, t.spec, t.rows.all)
		return err
	})
	if err != nil {
		return err
	}
	refused, err := t.buy(ctx)
	missing := true
	if err == nil {
		t.renew()
		missing, err = t.collect(ctx)
	}
	if err == nil {
		err = t.settleRest(t.reason(missing, refused))
	}
	if err == nil && !missing && t.cfg.Remove {
		if err := t.provider.Remove(ctx, t.handle()); err != nil {
			t.cfg.Log.WarnContext(ctx, "files left at the provider", "batch", t.batch, "error", err)
		}
	}
	return err
}

// buy has the batch run, and returns why it was refused if it was. One that is
// put off has as much time to be accepted as one that runs has to end: the last
// creation leaves early enough to be polled in that time.
func (t *trip) buy(ctx context.Context) (refused *RowError, err error) {
	if !t.until.IsZero() {
		t.until = t.until.Add(-t.cfg.Poll)
	}
	lastCreation := t.until
	for n := 1; ; n++ {
		if err := t.create(ctx); err != nil {
			return nil, err
		}
		t.renew()
		refused, err := t.await(ctx)
		if err != nil || refused == nil || refused.Class == retry.Permanent {
			return refused, err
		}
		if refused.Class == retry.Blocked {
			return nil, refused
		}
		if refused.Cause == nil && n >= t.cfg.Attempts { // nobody knows that it passes
			final := *refused
			final.Class = retry.Permanent
			return &final, nil
		}
		// The same file passes later, for example when less is enqueued.
		t.cfg.Log.InfoContext(ctx, "batch put off", "batch", t.batch, "reason", refused.Code)
		t.batch, t.spec.Tag = "", tag.New() // or Find would bring the refused one
		t.until = lastCreation
		if err := t.pause(ctx, max(t.delay(n, nil), t.cfg.Poll), refused); err != nil {
			return nil, err
		}
	}
}

// await polls until the batch has ended. What fails about that says nothing
// about the batch, nor does a status that nobody knows.
func (t *trip) await(ctx context.Context) (refused *RowError, err error) {
	for warned := false; ; {
		var s Status
		if err := t.pause(ctx, t.interval(time.Since(t.sent)), ErrNotEnded); err != nil {
			return nil, err
		}
		err := t.persist(ctx, "poll", func() (err error) {
			s, err = t.provider.Status(ctx, t.handle())
			return err
		})
		if err != nil || s.Ended {
			return s.Err, err
		}
		if s.Unknown && !warned {
			warned = true
			t.cfg.Log.WarnContext(ctx, "unknown status, waiting for the batch to end", "batch", t.batch, "status", s.Phase)
		}
	}
}

// settleRest gives all rows that have no outcome this one.
func (t *trip) settleRest(err *RowError) error {
	if n := t.rows.strays; n > 0 {
		t.cfg.Log.Warn("result rows that were not asked for, or came twice", "batch", t.batch, "rows", n)
	}
	return t.rows.rest(t.batch, err)
}

// abandoned tells that the batch is left to itself.
func (t *trip) abandoned(ctx context.Context) {
	if t.batch != "" || !t.sent.IsZero() {
		t.cfg.Log.WarnContext(ctx, "batch left at the provider", "batch", t.batch, "tag", t.spec.Tag)
	}
}

// persist repeats a harmless call for as long as it fails in ways that pass.
func (t *trip) persist(ctx context.Context, what string, call func() error) error {
	for n := 1; ; n++ {
		err := call()
		switch retry.ClassOf(err) {
		case 0:
			return nil
		case retry.Permanent, retry.Blocked:
			return fmt.Errorf("%s: %w", what, err)
		case retry.Retryable, retry.Ambiguous:
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.cfg.Log.WarnContext(ctx, "trying again", "call", what, "tag", t.spec.Tag, "error", err)
		if err := t.pause(ctx, t.delay(n, err), fmt.Errorf("%s: %w", what, err)); err != nil {
			return err
		}
	}
}
