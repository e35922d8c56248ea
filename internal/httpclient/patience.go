package httpclient

import (
	"context"
	"errors"
	"io"
	"time"
)

const (
	idleTimeout = time.Minute
	minProgress = 64 << 10 // bytes within an idleTimeout; slow lines move fifty times that
)

var errIdle = errors.New("next to no data for a minute")

// patience ends a call whose bytes stop, or trickle: one with less than
// minProgress in an idleTimeout of waiting. A call that moves n bytes is over
// after n/minProgress+1 minutes of waiting, and one that moves them faster than
// that may be of any size. The clock stands while nobody waits for the server:
// whoever has the bytes may take all the time it needs.
//
// One goroutine at a time uses it.
type patience struct {
	timer *time.Timer
	since time.Time     // of the last resume
	left  time.Duration // when it was paused last
	moved int           // bytes since left was an idleTimeout
}

// newPatience is paused.
func newPatience(cancel context.CancelCauseFunc) *patience {
	p := &patience{timer: time.AfterFunc(idleTimeout, func() { cancel(errIdle) }), left: idleTimeout}
	p.timer.Stop()
	return p
}

func (p *patience) resume() {
	p.since = time.Now()
	p.timer.Reset(p.left)
}

// pause notes what the wait has brought, in bytes.
func (p *patience) pause(moved int) {
	p.timer.Stop()
	p.left = max(p.left-time.Since(p.since), 0)
	if p.moved += moved; p.moved >= minProgress {
		p.left, p.moved = idleTimeout, 0
	}
}

// receiving is a body that is waited for while it is read.
type receiving struct {
	io.Reader
	patience *patience
}

func (r *receiving) Read(b []byte) (int, error) {
	r.patience.resume()
	n, err := r.Reader.Read(b)
	r.patience.pause(n)
	return n, err
}

// sending is a body that is waited for between reads: then it is on its way.
// How long the reply may take after that is for the call's timeout.
type sending struct {
	io.ReadCloser
	patience *patience
	left     int // bytes of the last read
	begun    bool
}

func (s *sending) Read(b []byte) (n int, err error) {
	if s.begun {
		s.patience.pause(s.left)
	}
	s.begun = true
	n, err = s.ReadCloser.Read(b)
	s.left = n
	if err == nil {
		s.patience.resume()
	}
	return n, err
}

// watch has patience with the body of the call, if it has one.
func (c *Call) watch(ctx context.Context) (context.Context, func()) {
	if c.Body == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	p := newPatience(cancel)
	c.Body = &sending{ReadCloser: c.Body, patience: p}
	return ctx, func() {
		p.timer.Stop()
		cancel(nil)
	}
}
