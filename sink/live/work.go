package live

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// start gives a batch its workers. The caller has p.mu and the batch alone.
func (p *Provider) start(b *batch) {
	b.done = make(chan struct{})
	var workers sync.WaitGroup
	for range min(p.cfg.Rate.Slots, b.count[waiting]) {
		workers.Go(func() { p.work(b) })
	}
	p.running.Go(func() {
		workers.Wait()
		b.cancel()
		if err := b.close(); err != nil {
			b.breakDown(err)
		}
		close(b.done)
	})
}

// work asks rows until there are none.
func (p *Provider) work(b *batch) {
	for {
		n, ok := b.take()
		if !ok {
			return
		}
		if err := p.ask(b, n); err != nil {
			b.breakDown(err)
			return
		}
	}
}

// ask asks a row until it has an answer, or no more rows are to be asked. Its
// error is one of the disk.
func (p *Provider) ask(b *batch, n int) error {
	row, err := b.row(n)
	if err != nil {
		return err
	}
	trials := 0
	for attempts := 1; ; attempts++ {
		reply, trial, err := p.attempt(b, n, &row)
		if failure, ok := errors.AsType[*diskError](err); ok {
			return failure.error
		}
		if errors.Is(err, errStopped) {
			b.release(n)
			return nil
		}
		if trial && trials < freeTrials && retry.ClassOf(p.repeatable(err)) == retry.Retryable {
			trials++
			attempts--
		}
		delay, again := p.cfg.Retry.Next(attempts, p.repeatable(err))
		if !again {
			return p.settle(b, outcome(n, row.ID, reply, err))
		}
		if err := b.log.append(entry{Freed: &n}); err != nil {
			return err
		}
		if !b.pause(delay) {
			b.release(n)
			return nil
		}
	}
}

// freeTrials is how many calls that only show that the server is still down are
// no attempts of their row. They have an end, as the row may be what the server
// fails at.
const freeTrials = 20

// settle writes down the answer to a row. An account that is blocked answers no
// other row either.
func (p *Provider) settle(b *batch, a answer) error {
	if err := b.settle(a); err != nil {
		return err
	}
	if a.Err != nil && a.Err.Class == retry.Blocked {
		return b.end(stopped{a.Err})
	}
	return nil
}

// repeatable makes an unclear call one that may be repeated, if that does no
// harm.
func (p *Provider) repeatable(err error) error {
	if retry.ClassOf(err) == retry.Ambiguous && p.cfg.mayRepeat() {
		return retry.Mark(err, retry.Retryable)
	}
	return err
}

// errStopped means that a row was not asked, because no more are to be.
var errStopped = errors.New("live: no more rows are asked")

// diskError is the error of a call that was not made, because it could not be
// noted.
type diskError struct{ error }

// attempt makes one call, once the limits allow it and the server is not down.
// A row that waits for its pace is no trial of the breaker's. It reports
// whether the call was one.
func (p *Provider) attempt(b *batch, n int, row *sink.Row) (reply sink.LiveReply, trial bool, err error) {
	for {
		reply, trial, err = p.once(b, n, row)
		if !errors.Is(err, retry.ErrOpen) {
			return reply, trial, err
		}
		if !b.pause(max(retry.After(err), time.Second)) {
			return reply, false, errStopped
		}
	}
}

// once makes one call, unless the server is down.
func (p *Provider) once(b *batch, n int, row *sink.Row) (reply sink.LiveReply, trial bool, err error) {
	cost := p.estimate.cost(len(row.Body))
	if p.limiter.Wait(b.ctx, cost) != nil {
		return reply, false, errStopped
	}
	trial = p.breaker.IsOpen()
	used := ratelimit.Cost{} // of a call that was not made
	defer func() { p.limiter.Settle(cost, used) }()
	// What is under way goes on when no more rows are to be asked.
	err = p.breaker.Do(context.WithoutCancel(b.ctx), func(ctx context.Context) error {
		if err := b.log.append(entry{Asked: &n}); err != nil {
			return &diskError{err}
		}
		used = cost
		used.Slots = 0
		reply, err = p.call(ctx, b, row)
		return err
	})
	switch {
	case err == nil:
		used = p.used(row, reply, used)
	case reply.Status/100 > 2: // a refused call costs no tokens
		used = ratelimit.Cost{Requests: 1}
	}
	return reply, trial, err
}

// call makes one call, and follows what its reply says about the limits.
func (p *Provider) call(ctx context.Context, b *batch, row *sink.Row) (sink.LiveReply, error) {
	after := p.cfg.Rate.Timeout
	ctx, cancel := context.WithTimeoutCause(ctx, after, &ratelimit.TimeoutError{After: after})
	defer cancel()
	reply, err := p.caller.Call(ctx, sink.LiveCall{
		Endpoint: b.Endpoint, Model: b.Model, Header: p.callHeader(row.ID), Body: row.Body,
	})
	if p.cfg.Remaining != nil && reply.Header != nil {
		p.limiter.Observe(p.cfg.Remaining(reply.Header))
	}
	if reply.Status == http.StatusTooManyRequests {
		p.limiter.Penalize(time.Now().Add(retry.After(err)))
	}
	if err == nil {
		reply.Body, err = oneLine(reply.Body)
	}
	return reply, err
}

// callHeader names the row, so that the provider's records show which it was.
func (p *Provider) callHeader(id string) http.Header {
	h := http.Header{"X-Client-Request-Id": {id}}
	if p.cfg.KeyHeader != "" {
		h.Set(p.cfg.KeyHeader, id)
	}
	return h
}

// used returns what a call took, as far as its reply says.
func (p *Provider) used(row *sink.Row, reply sink.LiveReply, estimate ratelimit.Cost) ratelimit.Cost {
	if p.info.Codec == nil {
		return estimate
	}
	said, err := p.info.Codec.Decode(reply.Body)
	if err != nil || said.Usage.Input+said.Usage.Output == 0 {
		return estimate
	}
	return p.estimate.used(len(row.Body), said.Usage)
}
