//go:build unix

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// disturb makes things happen until all has happened or the run is over.
func (l *life) disturb(ctx context.Context) error {
	for l.Incidents.left() > 0 && !l.over && ctx.Err() == nil {
		if err := l.ensure(); err != nil {
			return err
		}
		l.await(ctx)
		if l.client.hasEnded() {
			l.reap()
			if err := l.decide(ctx); err != nil {
				return err
			}
			continue
		}
		if err := l.happen(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// await waits for the moment of the next incident: some time, or until the
// provider does something, or a little later than that.
func (l *life) await(ctx context.Context) {
	r := l.random
	var event <-chan string
	d := between(r, 0, 900*time.Millisecond)
	switch r.IntN(4) {
	case 0: // in its first moments
		d /= 8
	case 1, 2:
		event, d = l.vendor.events, d*2
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return
	case <-l.client.done:
		return
	case <-ctx.Done():
		return
	case e := <-event:
		l.say("%s", e)
	}
	pause(ctx, between(r, 0, 15*time.Millisecond))
}

// happen lets one of the incidents that are left happen.
func (l *life) happen(ctx context.Context) error {
	left, done := &l.Incidents, &l.happened
	n := l.random.IntN(left.left())
	for _, i := range []struct {
		left, done *int
		do         func(context.Context) error
	}{
		{&left.Kills, &done.Kills, l.kill},
		{&left.Stops, &done.Stops, l.stop},
		{&left.Detaches, &done.Detaches, l.detach},
		{&left.Rivals, &done.Rivals, l.rival},
		{&left.Queries, &done.Queries, l.query},
		{&left.Restarts, &done.Restarts, l.restart},
		{&left.Freezes, &done.Freezes, l.freeze},
		{&left.Others, &done.Others, l.other},
		{&left.Cancels, &done.Cancels, l.cancel},
		{&left.Losses, &done.Losses, l.lose},
	} {
		if n < *i.left {
			*i.left--
			*i.done++
			return i.do(ctx)
		}
		n -= *i.left
	}
	return nil
}

// kill ends the client as a failing machine does.
func (l *life) kill(ctx context.Context) error {
	l.client.kill()
	if l.client.code() >= 0 { // it was faster
		l.happened.Kills--
		l.Incidents.Kills++
		l.reap()
		return nil
	}
	l.say("killed")
	l.client = nil
	if l.random.IntN(4) == 0 {
		pause(ctx, between(l.random, 0, 500*time.Millisecond))
	}
	return nil
}

// stop freezes the client for a while, in which a rival may come.
func (l *life) stop(ctx context.Context) error {
	l.client.signal(syscall.SIGSTOP)
	d := between(l.random, 20*time.Millisecond, 2*time.Second)
	l.say("stopped for %s", d)
	if l.random.IntN(3) == 0 {
		if err := l.rival(ctx); err != nil {
			return err
		}
	}
	pause(ctx, d)
	l.client.signal(syscall.SIGCONT)
	return nil
}

// detach interrupts the client, which then stops in order.
func (l *life) detach(ctx context.Context) error {
	sig := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}[l.random.IntN(2)]
	l.client.signal(sig)
	l.say("%s", sig)
	if !l.client.ended(ctx, patience) {
		l.hangs(ctx, l.client, "the interrupted run")
		l.client = nil
		return nil
	}
	if l.client.code() == -1 { // it came before it was listened to
		l.client = nil
		return nil
	}
	l.reap()
	return nil
}

// rival starts the run a second time, which is refused while the first goes on.
func (l *life) rival(ctx context.Context) error {
	first := l.holds()
	p, err := l.start(l.runArgs()...)
	if err != nil {
		return err
	}
	if !p.ended(ctx, 5*time.Second) {
		p.signal(syscall.SIGINT)
		if !p.ended(ctx, patience) {
			l.hangs(ctx, p, "the rival")
		}
	}
	first = first && !l.client.hasEnded()
	l.say("rival: %d %s", p.code(), lastLine(p.stderr()))
	switch {
	case p.code() == 3, p.code() == -1:
	case first:
		l.found.add(other, "a second run ended with code %d while the first went on: %s", p.code(), lastLine(p.stderr()))
	}
	return nil
}

// holds reports whether the client has come so far that the run is its own.
func (l *life) holds() bool {
	names, _ := filepath.Glob(filepath.Join(l.dir, ".baler", "runs", "*", "status.json")) // the pattern is right
	pid := fmt.Sprintf(`"pid":%d,`, l.client.cmd.Process.Pid)
	return len(names) == 1 && strings.Contains(text(names[0]), pid)
}

// query asks about the run, or for something, from another process.
func (l *life) query(ctx context.Context) error {
	switch l.random.IntN(6) {
	case 0:
		return l.mustExit(ctx, []int{0, 2}, "status", "chaos")
	case 1:
		return l.mustExit(ctx, []int{0, 2}, "results", "chaos", "--ordered")
	case 2:
		return l.doctor(ctx)
	case 3:
		return l.mustExit(ctx, []int{0, 1, 2, 3}, "wait", "chaos", "--timeout", "300ms")
	case 4:
		return l.mustExit(ctx, []int{0}, "runs")
	}
	return l.pauseRun(ctx)
}

// mustExit runs a command that ends with one of these codes. 2 is that there is
// no such run, which is so until the first start has come far enough.
func (l *life) mustExit(ctx context.Context, codes []int, args ...string) error {
	p, err := l.ask(ctx, args...)
	if err != nil {
		return err
	}
	for _, code := range codes {
		if p.code() == code {
			return nil
		}
	}
	if l.young(p) {
		return nil
	}
	l.found.add(other, "%s ended with code %d: %s", strings.Join(args, " "), p.code(), lastLine(p.stderr()))
	return nil
}

// young reports whether a command failed because there is nothing yet.
func (l *life) young(p *process) bool {
	return p.code() == 2 && (strings.Contains(p.stderr(), "no such file") || strings.Contains(p.stderr(), "has no run"))
}

// doctor examines the directory, unless it is in use.
func (l *life) doctor(ctx context.Context) error {
	p, err := l.ask(ctx, "doctor")
	if err != nil || p.code() == 0 || l.young(p) || p.code() >= 2 && strings.Contains(p.stderr(), "in use") {
		return err
	}
	l.found.add(other, "doctor ended with code %d: %s %s", p.code(), lastLine(p.stderr()), p.stdout())
	return nil
}

// pauseRun pauses the run for a while. What is bought meanwhile is found later.
func (l *life) pauseRun(ctx context.Context) error {
	p, err := l.ask(ctx, "pause", "chaos")
	if err != nil || p.code() != 0 {
		return err
	}
	h := hold{from: time.Now()}
	pause(ctx, between(l.random, 0, 1500*time.Millisecond))
	if l.random.IntN(3) == 0 && !l.client.hasEnded() { // it stays paused for the next one
		if err := l.kill(ctx); err != nil {
			return err
		}
		if err := l.ensure(); err != nil {
			return err
		}
		pause(ctx, between(l.random, 0, 1500*time.Millisecond))
	}
	h.to = time.Now()
	l.held = append(l.held, h)
	return l.resume(ctx)
}

// resume lets the run go on, if it was paused.
func (l *life) resume(ctx context.Context) error {
	if l.over {
		return nil
	}
	p, err := l.ask(ctx, "resume", "chaos")
	if err != nil || p.code() == 0 || p.code() == 2 {
		return err
	}
	return fmt.Errorf("resume ended with code %d: %s", p.code(), lastLine(p.stderr()))
}

// restart ends the provider and starts it again.
func (l *life) restart(ctx context.Context) error {
	l.vendor.kill()
	pause(ctx, between(l.random, 0, 400*time.Millisecond))
	l.say("the provider starts again")
	return l.vendor.start()
}

// freeze stops the provider for a moment, much shorter than the grace.
func (l *life) freeze(ctx context.Context) error {
	_ = l.vendor.cmd.Process.Signal(syscall.SIGSTOP)
	d := between(l.random, 10*time.Millisecond, 600*time.Millisecond)
	pause(ctx, d)
	l.say("the provider was stopped for %s", d)
	return l.vendor.cmd.Process.Signal(syscall.SIGCONT)
}
