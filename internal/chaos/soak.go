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
	protocols               []string
	kinds                   []provider.Kind
	dir, baler              string
	small, verbose          bool

	mu     sync.Mutex
	begun  int
	totals map[string]*totals // by protocol
}

// totals are those of all worlds of a protocol.
type totals struct {
	worlds, failed, rows, batches, outside, strays int
	rivals, nevers                                 int
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
	next := func() (seed uint64, protocol string, ok bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.worlds--; s.worlds < 0 && (s.killed() >= s.kills || -s.worlds > 200) || ctx.Err() != nil {
			return 0, "", false
		}
		s.begun++
		return seeds.Uint64(), s.protocols[(s.begun-1)%len(s.protocols)], true
	}
	each := cmp.Or(s.kills/max(1, s.worlds)+1, 1)
	if s.kills == 0 {
		each = 10
	}
	var wg sync.WaitGroup
	for range max(1, s.parallel) {
		wg.Go(func() {
			for seed, protocol, ok := next(); ok; seed, protocol, ok = next() {
				l, err := s.try(ctx, seed, protocol, each, io.Discard)
				if err != nil {
					err = fmt.Errorf("world %s of %s: %w", seedName(seed), protocol, err)
				}
				if ctx.Err() == nil {
					s.report(protocol, l, err)
				}
			}
		})
	}
	wg.Wait()
	for _, protocol := range slices.Sorted(maps.Keys(s.totals)) {
		s.totals[protocol].tell(protocol)
	}
	fmt.Printf("all of it took %s\n", time.Since(began).Round(time.Second))
	if s.failed() {
		return errBroken
	}
	return ctx.Err()
}

// killed is how many kills there were so far. The caller holds the lock.
func (s *soak) killed() (n int) {
	for _, t := range s.totals {
		n += t.happened.Kills
	}
	return n
}

func (s *soak) failed() bool {
	for _, t := range s.totals {
		if t.failed > 0 {
			return true
		}
	}
	return false
}

// runOne tries one world of each protocol, and tells all that happens in it.
func (s *soak) runOne(ctx context.Context, seed uint64) error {
	trace := io.Discard
	if s.verbose {
		trace = os.Stderr
	}
	s.verbose = true
	fmt.Printf("worlds in %s\n", s.dir)
	for _, protocol := range s.protocols {
		l, err := s.try(ctx, seed, protocol, max(10, s.kills), trace)
		if err != nil {
			return err
		}
		s.report(protocol, l, nil)
	}
	if s.failed() {
		return errBroken
	}
	return nil
}

func seedName(seed uint64) string { return fmt.Sprintf("%016x", seed) }

// try lets a world live. Its directory stays if it is not as it should be.
func (s *soak) try(ctx context.Context, seed uint64, protocol string, kills int, trace io.Writer) (*life, error) {
	dir := filepath.Join(s.dir, seedName(seed)+"-"+protocol)
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
		world: drawWorld(seed, protocol, of(protocol, s.kinds), kills, s.small), dir: dir, baler: s.baler, trace: io.MultiWriter(log, trace),
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
func (s *soak) report(protocol string, l *life, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.totalsOf(protocol)
	t.worlds++
	if err != nil {
		t.failed++
		fmt.Printf("%v\n", err)
		return
	}
	t.add(l)
	if s.verbose || !l.found.none() {
		fmt.Println(l.summary())
	}
	if !l.found.none() {
		t.failed++
		fmt.Printf("  %s\n  try it again with -provider %s -world %s -v; it lies in %s\n",
			strings.Join(l.found.lines, "\n  "), protocol, l.Seed, l.dir)
	}
}

// totalsOf returns those of a protocol. The caller holds the lock.
func (s *soak) totalsOf(protocol string) *totals {
	if s.totals == nil {
		s.totals = make(map[string]*totals)
	}
	if s.totals[protocol] == nil {
		s.totals[protocol] = new(totals)
	}
	return s.totals[protocol]
}

func (t *totals) add(l *life) {
	if t.faults == nil {
		t.faults, t.broken = make(map[provider.Kind]int), make(map[sort]int)
	}
	t.rows += l.Rows
	t.batches += l.found.batches
	t.outside += l.found.outside
	t.strays += l.found.strays
	t.rivals += l.found.rivals.Batches
	t.nevers += l.found.rivals.Never
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
	h.Releases += n.Releases
	for kind, times := range l.found.faults {
		t.faults[kind] += times
	}
	for s, times := range l.found.count {
		t.broken[s] += times
	}
}

// tell prints them.
func (t *totals) tell(protocol string) {
	h, sum := t.happened, 0
	for _, kind := range slices.Sorted(maps.Keys(t.faults)) {
		fmt.Printf("%7d %s\n", t.faults[kind], kind)
		sum += t.faults[kind]
	}
	fmt.Printf("%s: %d worlds, %d rows, %d batches, %d faults\n", protocol, t.worlds, t.rows, t.batches, sum)
	fmt.Printf("%d kills, %d stops, %d detached, %d rivals, %d of another directory, %d queries, %d cancelled, %d directories lost, %d decisions; "+
		"the provider started again %d times and stopped %d times\n",
		h.Kills, h.Stops, h.Detaches, h.Rivals, h.Others, h.Queries, h.Cancels, h.Losses, h.Decisions, h.Restarts, h.Freezes)
	if t.rivals > 0 {
		fmt.Printf("%d batches of somebody else with as many rows, %d of which did not end; these were waited for until they were given up in %d worlds\n",
			t.rivals, t.nevers, h.Releases)
	}
	for _, s := range sorts {
		fmt.Printf("%s %d, ", s, t.broken[s])
	}
	fmt.Printf("billed twice because a creation came after the grace %d, files left that no batch needs %d\n", t.outside, t.strays)
	fmt.Printf("%d worlds failed\n", t.failed)
}
