package retry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Guard watches the failure rate of a run, of its providers and of their
// models. It stops a failing scope before it has spent everything: above one
// rate it notifies, above a higher one it pauses the scope until Resume. A
// Blocked error pauses its provider at once.
//
// Record outcomes as they come in, those of a batch together, and put Wait
// before new work. A Guard is safe for concurrent use and runs no goroutine.
// The zero Guard has the defaults of [GuardConfig] and no hooks; [NewGuard]
// makes others.
type Guard struct {
	cfg GuardConfig

	mu      sync.Mutex
	scopes  map[Scope]*watch // nil until the first use of a zero Guard
	resumed chan struct{}    // closed and replaced by Resume
}

// watch is the state of one scope.
type watch struct {
	window   window
	notified bool   // above NotifyAbove since it was last below
	pause    *Alert // nil unless paused
}

// NewGuard returns a guard without outcomes, or an error that names the wrong
// field of c.
func NewGuard(c GuardConfig) (*Guard, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	g := new(Guard)
	g.init(c)
	return g, nil
}

func (g *Guard) init(c GuardConfig) {
	g.cfg, g.scopes, g.resumed = c, make(map[Scope]*watch), make(chan struct{})
}

// lock takes the lock. It gives a zero Guard its defaults.
func (g *Guard) lock() {
	g.mu.Lock()
	if g.scopes == nil {
		g.init(GuardConfig{}.withDefaults())
	}
}

// Record counts the outcome of one row or call in its scope and in the wider
// ones. A nil err is a success. An err of a cancelled context does not count.
// The hooks run before Record returns. O(1), memory O(scopes).
func (g *Guard) Record(s Scope, err error) {
	switch {
	case err == nil:
		g.RecordMany(s, 1, 0, nil)
	case !errors.Is(err, context.Canceled):
		g.RecordMany(s, 0, 1, err)
	}
}

// RecordMany counts outcomes that became known together, as those of a batch
// do, before it judges any of them: which come first says nothing then. The err
// is one of the failures, and must not be nil if there are any: it is the one
// that an Alert names, and that pauses the provider if it is Blocked. Leave out
// those of a cancelled context.
func (g *Guard) RecordMany(s Scope, succeeded, failed int, err error) {
	if succeeded+failed == 0 {
		return
	}
	now := time.Now()
	for i, scope := range s.within() {
		if i > 0 && scope == s {
			continue // s is itself the provider or the run
		}
		if hook, alert := g.record(now, scope, s, succeeded, failed, err); hook != nil {
			hook(alert)
		}
		if scope == (Scope{}) {
			return
		}
	}
}

// record returns the hook to call outside the lock.
func (g *Guard) record(now time.Time, scope, origin Scope, succeeded, failed int, err error) (hook func(Alert), alert Alert) {
	g.lock()
	defer g.mu.Unlock()
	w := g.watch(scope)
	w.window.add(now, succeeded, failed)
	if succeeded > 0 {
		w.notified = w.notified && w.window.rate() > g.cfg.NotifyAbove
	}
	if failed == 0 {
		return nil, Alert{}
	}
	alert = Alert{Scope: scope, Failed: w.window.failed, Total: w.window.total, Err: err}
	ripe := w.window.total >= g.cfg.MinCount
	switch {
	case w.pause != nil:
		return nil, Alert{}
	case ripe && alert.Rate() > g.cfg.PauseAbove,
		ClassOf(err) == Blocked && scope == Scope{Provider: origin.Provider}:
		paused := alert // so that only a pause allocates
		w.pause = &paused
		return g.cfg.OnPause, alert
	case ripe && alert.Rate() > g.cfg.NotifyAbove && !w.notified:
		w.notified = true
		return g.cfg.OnNotify, alert
	}
	return nil, Alert{}
}

func (g *Guard) watch(s Scope) *watch {
	w := g.scopes[s]
	if w == nil {
		w = &watch{window: newWindow(g.cfg.Window)}
		g.scopes[s] = w
	}
	return w
}

// Paused reports whether s or a wider scope is paused, and why.
func (g *Guard) Paused(s Scope) (Alert, bool) {
	alert, _ := g.paused(s)
	if alert == nil {
		return Alert{}, false
	}
	return *alert, true
}

func (g *Guard) paused(s Scope) (*Alert, <-chan struct{}) {
	g.lock()
	defer g.mu.Unlock()
	for _, scope := range s.within() {
		if w := g.scopes[scope]; w != nil && w.pause != nil {
			return w.pause, g.resumed
		}
	}
	return nil, nil
}

// Wait returns nil as soon as neither s nor a wider scope is paused. If ctx
// ends first, the error wraps [context.Cause] and the failure that led to the
// pause.
func (g *Guard) Wait(ctx context.Context, s Scope) error {
	for {
		alert, resumed := g.paused(s)
		if alert == nil {
			return nil
		}
		select {
		case <-resumed:
		case <-ctx.Done():
			return fmt.Errorf("retry: %s is paused: %w; because of: %w", alert.Scope, context.Cause(ctx), alert.Err)
		}
	}
}

// Resume ends the pauses of s and of all scopes in it, and forgets their
// outcomes. Resume(Scope{}) resumes everything.
func (g *Guard) Resume(s Scope) {
	g.lock()
	defer g.mu.Unlock()
	for scope := range g.scopes {
		if scope.isWithin(s) {
			delete(g.scopes, scope)
		}
	}
	close(g.resumed)
	g.resumed = make(chan struct{})
}
