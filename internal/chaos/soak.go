//go:build unix

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/chaos/provider"
)

// soak is many worlds.
type soak struct {
	worlds, kills, parallel int
	seed                    uint64
	kinds                   []provider.Kind
	dir, baler              string
	small, verbose          bool

	mu    sync.Mutex
	total totals
}

// totals are those of all worlds.
type totals struct {
	worlds, failed, rows, batches, outside, strays int
	happened                                       incidents
	faults                                         map[provider.Kind]int
	broken                                         map[sort]int
}

var errBroken = errors.New("promises were broken")

// run tries worlds until there were enough of them, and of kills.
func (s *soak) run(ctx context.Context) error {
	fmt.Printf("seed %d, worlds in %s\n", s.seed, s.dir)
	began := time.Now()
	seeds := rand.New(rand.NewPCG(s.seed, 0)) //nolint:gosec // not a secret
	next := func() (uint64, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.worlds--; s.worlds < 0 && (s.total.happened.Kills >= s.kills || -s.worlds > 200) || ctx.Err() != nil {
			return 0, false
		}
		return seeds.Uint64(), true
	}
	each := cmp.Or(s.kills/max(1, s.worlds)+1, 1)
	if s.kills == 0 {
		each = 10
	}
	var wg sync.WaitGroup
	for range max(1, s.parallel) {
		wg.Go(func() {
			for seed, ok := next(); ok; seed, ok = next() {
				l, err := s.try(ctx, seed, each, io.Discard)
				if err != nil {
					err = fmt.Errorf("world %s: %w", seedName(seed), err)
				}
				if ctx.Err() == nil {
					s.report(l, err)
				}
			}
		})
	}
	wg.Wait()
	s.total.tell(time.Since(began))
	if s.total.failed > 0 {
		return errBroken
	}
	return ctx.Err()
}

// runOne tries one world, and tells all that happens in it.
func (s *soak) runOne(ctx context.Context, seed uint64) error {
	trace := io.Discard
	if s.verbose {
		trace = os.Stderr
	}
	s.verbose = true
	fmt.Printf("worlds in %s\n", s.dir)
	l, err := s.try(ctx, seed, max(10, s.kills), trace)
	if err != nil {
		return err
	}
	s.report(l, nil)
	if s.total.failed > 0 {
		return errBroken
	}
	return nil
}

func seedName(seed uint64) string { return fmt.Sprintf("%016x", seed) }

// try lets a world live. Its directory stays if it is not as it should be.
func (s *soak) try(ctx context.Context, seed uint64, kills int, trace io.Writer) (*life, error) {
	dir := filepath.Join(s.dir, seedName(seed))
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "incidents"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	l := &life{
		world: drawWorld(seed, s.kinds, kills, s.small), dir: dir, baler: s.baler, trace: io.MultiWriter(log, trace),
		vendor: vendor{dir: filepath.Join(dir, "provider")},
	}
	l.found.faults, l.decisions = make(map[provider.Kind]int), make(map[string]bool)
	if err := l.live(ctx); err != nil {
		return l, err
	}
	for _, line := range l.found.lines {
		fmt.Fprintln(log, line)
	}
	if l.found.none() {
		err = os.RemoveAll(dir)
	}
	return l, err
}

// report adds a world to the totals, and tells of it if it is worth it. One
// with an error did not come to its end.
func (s *soak) report(l *life, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total.worlds++
	if err != nil {
		s.total.failed++
		fmt.Printf("%v\n", err)
		return
	}
	s.total.add(l)
	if s.verbose || !l.found.none() {
		fmt.Println(l.summary())
	}
	if !l.found.none() {
		s.total.failed++
		fmt.Printf("  %s\n  try it again with -world %s -v; it lies in %s\n", strings.Join(l.found.lines, "\n  "), l.Seed, l.dir)
	}
}

func (t *totals) add(l *life) {
	if t.faults == nil {
		t.faults, t.broken = make(map[provider.Kind]int), make(map[sort]int)
	}
	t.rows += l.Rows
	t.batches += l.found.batches
	t.outside += l.found.outside
	t.strays += l.found.strays
	h, n := &t.happened, l.happened
	h.Kills += n.Kills
	h.Stops += n.Stops
	h.Detaches += n.Detaches
	h.Rivals += n.Rivals
	h.Queries += n.Queries
	h.Restarts += n.Restarts
	h.Freezes += n.Freezes
	h.Others += n.Others
	h.Cancels += n.Cancels
	h.Losses += n.Losses
	h.Decisions += n.Decisions
	for kind, times := range l.found.faults {
		t.faults[kind] += times
	}
	for s, times := range l.found.count {
		t.broken[s] += times
	}
}

// tell prints them.
func (t *totals) tell(took time.Duration) {
	h, sum := t.happened, 0
	for _, kind := range slices.Sorted(maps.Keys(t.faults)) {
		fmt.Printf("%7d %s\n", t.faults[kind], kind)
		sum += t.faults[kind]
	}
	fmt.Printf("%d worlds in %s: %d rows, %d batches, %d faults\n", t.worlds, took.Round(time.Second), t.rows, t.batches, sum)
	fmt.Printf("%d kills, %d stops, %d detached, %d rivals, %d of another directory, %d queries, %d cancelled, %d directories lost, %d decisions; "+
		"the provider started again %d times and stopped %d times\n",
		h.Kills, h.Stops, h.Detaches, h.Rivals, h.Others, h.Queries, h.Cancels, h.Losses, h.Decisions, h.Restarts, h.Freezes)
	for _, s := range sorts {
		fmt.Printf("%s %d, ", s, t.broken[s])
	}
	fmt.Printf("billed twice because a creation came after the grace %d, files left that no batch needs %d\n", t.outside, t.strays)
	fmt.Printf("%d worlds failed\n", t.failed)
}
