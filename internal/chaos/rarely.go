//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// settling is how long a process may go on after it was stopped.
const settling = 20 * time.Millisecond

// locked reports whether a process writes to the output. One that is about to
// end, or has just begun, does not.
func locked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// other starts the same work from another state directory: it would write to
// the same output, and is refused before it buys anything. The run is stopped
// meanwhile, so that it does not end and leave the output to whoever comes.
func (l *life) other(ctx context.Context) error {
	client := l.client
	client.signal(syscall.SIGSTOP)
	defer client.signal(syscall.SIGCONT)
	pause(ctx, settling) // a signal takes a moment
	if !l.holds() || !locked(filepath.Join(l.dir, "out.jsonl")) {
		return nil
	}
	p, err := l.start(append(l.runArgs(), "--state", "other")...)
	if err != nil {
		return err
	}
	if !p.ended(ctx, patience) {
		l.hangs(ctx, p, "the run of another directory")
	}
	l.say("other directory: %d %s", p.code(), lastLine(p.stderr()))
	if p.code() != 2 && p.code() != 3 {
		l.found.add(other, "a run of another directory ended with code %d, and has the same output: %s", p.code(), lastLine(p.stderr()))
	}
	return nil
}

// cancel ends the run for good. What ran counts, and nothing more is bought.
func (l *life) cancel(ctx context.Context) error {
	p, err := l.ask(ctx, "cancel", "chaos")
	if err != nil || p.code() != 0 {
		return err
	}
	l.cancelled = true
	l.held = append(l.held, hold{from: time.Now(), to: time.Now().Add(time.Hour)})
	return nil
}

// lose loses the state directory and the output. What was bought is adopted by
// a new run once nothing is under way at the provider.
func (l *life) lose(ctx context.Context) error {
	if l.cancelled || !l.holds() {
		return nil
	}
	l.client.kill()
	l.client = nil
	for _, name := range []string{".baler", "out.jsonl"} {
		if err := os.RemoveAll(filepath.Join(l.dir, name)); err != nil {
			return err
		}
	}
	l.lost = time.Now()
	l.say("the state directory is lost")
	if err := l.quiet(ctx); err != nil {
		return err
	}
	p, err := l.ask(ctx, append(l.runArgs(), "--ingest")...)
	if err != nil {
		return err
	}
	if p.code() != 0 {
		l.found.add(other, "run --ingest ended with code %d: %s", p.code(), lastLine(p.stderr()))
	}
	for n := 1; ; n++ {
		p, err := l.ask(ctx, "doctor", "--adopt", "chaos", "--base-url", l.vendor.url, "--json")
		if err != nil {
			return err
		}
		if ended := allEnded(p.stdout()); ended && (p.code() == 0 || p.code() == 1 && n >= enoughAdopts) {
			return nil
		}
		if n == maxAdopts {
			l.found.add(other, "doctor --adopt ended with code %d: %s", p.code(), lastLine(p.stderr()))
			return nil
		}
		pause(ctx, 300*time.Millisecond)
	}
}

const (
	enoughAdopts = 6  // each of them says that not all came back; the bill shows it
	maxAdopts    = 20 // while the provider fails
)

// quiet waits until no batch is under way, and none can still appear.
func (l *life) quiet(ctx context.Context) error {
	pause(ctx, l.Plan.Grace)
	for ctx.Err() == nil {
		batches, err := provider.Batches(l.vendor.dir)
		if err != nil {
			return err
		}
		last := l.lost
		for _, b := range batches {
			for _, t := range []time.Time{b.End, b.Output, b.Counts, b.Listed, b.Unknown, b.Odd} {
				if t.After(last) {
					last = t
				}
			}
		}
		d := time.Until(last)
		if d < 0 {
			return nil
		}
		pause(ctx, d)
	}
	return ctx.Err()
}

// allEnded reports whether no orphan of ours is under way.
func allEnded(report string) bool {
	var r struct {
		Orphans []struct {
			Batch string `json:"batch"`
			Ended bool   `json:"ended"`
		} `json:"orphans"`
	}
	if json.Unmarshal([]byte(report), &r) != nil {
		return false
	}
	for _, o := range r.Orphans {
		if !o.Ended && !strings.Contains(o.Batch, "foreign") {
			return false
		}
	}
	return true
}

// decide says what becomes of the rows that the provider ran and has no results
// of, if the run has ended because of them.
func (l *life) decide(ctx context.Context) error {
	if !l.undecided {
		return nil
	}
	l.undecided = false
	p, err := l.ask(ctx, "status", "chaos", "--json")
	if err != nil {
		return err
	}
	var status struct {
		Open []struct {
			Batch     string `json:"batch"`
			Undecided bool   `json:"undecided"`
		} `json:"open"`
	}
	if err := json.Unmarshal([]byte(p.stdout()), &status); err != nil {
		l.found.add(other, "status --json cannot be read: %s", p.stdout())
	}
	for _, open := range status.Open {
		if !open.Undecided {
			continue
		}
		again := l.random.IntN(2) == 0
		missing := map[bool]string{true: "again", false: "fail"}[again]
		p, err := l.ask(ctx, "settle", "chaos", "--batch", open.Batch, "--missing", missing)
		if err != nil {
			return err
		}
		if p.code() != 0 {
			l.found.add(other, "settle ended with code %d: %s", p.code(), lastLine(p.stderr()))
		}
		l.happened.Decisions++
		l.decisions[open.Batch] = again
	}
	return nil
}
