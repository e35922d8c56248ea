package ready

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/queue"
)

// pile is a ready queue with what it must hold.
type pile struct {
	*rapid.T
	root    *os.Root
	store   state.Store
	ready   *Log
	order   *Order                  // if it is set
	waiting map[uint64]jobdir.Entry // by number
	loaded  []jobdir.Entry
	batches [][]jobdir.Entry // sealed, so known to a restart
}

func (p *pile) add() {
	entries := make([]jobdir.Entry, p.count("entries"))
	for i := range entries {
		level := rapid.SampledFrom([]uint8{7, 127, 254}).Draw(p.T, "level")
		entries[i] = jobdir.Entry{Key: fmt.Sprint("key-", len(p.waiting), i), Level: level, Line: 3, Target: uint16(i % 3), Deadline: uint32(i * 7 % 5), Ref: segment.Ref{File: 1, Len: 99}}
		entries[i].SetTries([]jobdir.Try{{Route: 1, Times: 2}})
	}
	if err := p.ready.Add(context.Background(), entries); err != nil {
		p.Fatal(err)
	}
	for _, e := range entries {
		p.waiting[e.Seq] = e
	}
}

func (p *pile) count(of string) int { return rapid.IntRange(1, 30).Draw(p.T, of) }

// load takes entries as they come: the most urgent, and of those the first.
func (p *pile) load() {
	n := p.count("load")
	found, err := p.ready.Load(n)
	if err != nil {
		p.Fatal(err)
	}
	var want []jobdir.Entry
	for _, e := range p.waiting {
		if !slices.ContainsFunc(p.loaded, func(l jobdir.Entry) bool { return l.Seq == e.Seq }) {
			want = append(want, e)
		}
	}
	slices.SortFunc(want, func(a, b jobdir.Entry) int {
		if a.Level != b.Level {
			return int(a.Level) - int(b.Level)
		}
		return int(a.Seq) - int(b.Seq) //nolint:gosec // small
	})
	if p.order != nil {
		want = p.anyOf(found, want, n)
	}
	if want = want[:min(n, len(want))]; !reflect.DeepEqual(found, want) && len(found)+len(want) > 0 {
		p.Fatalf("loaded %v, want %v", found, want)
	}
	if len(want) > 0 && p.order == nil && !p.ready.Any() {
		p.Fatal("nothing more, just after something was found")
	}
	p.loaded = append(p.loaded, found...)
}

// anyOf checks that as many entries were found as there can be, each of which
// waits, and returns them.
func (p *pile) anyOf(found, waiting []jobdir.Entry, n int) []jobdir.Entry {
	seen := make(map[uint64]bool)
	for _, e := range found {
		if seen[e.Seq] || !slices.ContainsFunc(waiting, func(w jobdir.Entry) bool { return w.Seq == e.Seq }) {
			p.Fatalf("loaded %+v, which does not wait", e)
		}
		seen[e.Seq] = true
	}
	if len(found) != min(n, len(waiting)) {
		p.Fatalf("loaded %d entries of %d, asked for %d", len(found), len(waiting), n)
	}
	return found
}

// seal makes a batch of any of the loaded entries.
func (p *pile) seal() {
	if len(p.loaded) == 0 {
		return
	}
	order := rapid.Permutation(p.loaded).Draw(p.T, "order")
	n := rapid.IntRange(1, len(order)).Draw(p.T, "rows")
	batch := order[:n]
	p.loaded = order[n:]
	ops, err := p.ready.Claim(batch)
	if err != nil {
		p.Fatal(err)
	}
	p.batches = append(p.batches, batch)
	for _, e := range batch {
		delete(p.waiting, e.Seq)
	}
	if rapid.Bool().Draw(p.T, "dies before the commit") {
		p.restart()
		return
	}
	if err := p.store.Commit(context.Background(), ops...); err != nil {
		p.Fatal(err)
	}
}

// tear leaves behind what was appended and never acknowledged.
func (p *pile) tear() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := p.ready.Add(ctx, []jobdir.Entry{{Key: "never acknowledged", Level: 127}})
	if !errors.Is(err, context.Canceled) {
		p.Fatal(err)
	}
	p.restart()
}

func (p *pile) restart() {
	if p.ready != nil {
		if err := errors.Join(p.ready.Close()...); err != nil {
			p.Fatal(err)
		}
	}
	var err error
	if p.ready, err = Open(context.Background(), &jobdir.Dir{Root: p.root, Keys: jobdir.NewKeys("test", 0)}, p.store); err != nil {
		p.Fatal(err)
	}
	p.loaded = nil
	if p.order != nil {
		p.ready.Sort(*p.order)
	}
	for _, batch := range p.batches {
		if p.ready.MayTake(jobdir.NewManifestHeader(batch, jobdir.Route{}, func(int) jobdir.Target { return jobdir.Target{} }).Last) {
			p.ready.Taken(batch)
		}
	}
	if err := p.ready.Fill(); err != nil {
		p.Fatal(err)
	}
}

// Whatever is added, loaded, claimed in any order and interrupted: what is
// loaded next is what was added and is in no batch, in order.
func TestReadyEntriesAreThoseInNoBatch(t *testing.T) { checkPile(t, nil) }

// So it is if another order is set.
func TestSortedEntriesAreThoseInNoBatch(t *testing.T) {
	checkPile(t, &Order{Policy: queue.Strict(Waiter.Deadline), Tenant: strconv.Itoa})
}

func checkPile(t *testing.T, order *Order) {
	t.Helper()
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := fmt.Sprintf("%s/%d", dir, n)
		if err := os.Mkdir(path, 0o700); err != nil {
			rt.Fatal(err)
		}
		root, err := os.OpenRoot(path)
		if err != nil {
			rt.Fatal(err)
		}
		defer root.Close()
		p := &pile{T: rt, root: root, order: order, store: state.NewMemory(), waiting: make(map[uint64]jobdir.Entry)}
		p.restart()
		defer func() { _ = errors.Join(p.ready.Close()...) }()
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) { p.add() }, "load": func(*rapid.T) { p.load() }, "seal": func(*rapid.T) { p.seal() },
			"restart": func(*rapid.T) { p.restart() }, "tear": func(*rapid.T) { p.tear() },
		})
		for len(p.waiting) > len(p.loaded) {
			p.load()
		}
	})
}
