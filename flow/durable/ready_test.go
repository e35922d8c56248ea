package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// pile is a ready queue with what it must hold.
type pile struct {
	*rapid.T
	root    *os.Root
	store   state.Store
	ready   *ready
	waiting map[uint64]entry // by number
	loaded  []entry
	batches [][]entry // sealed, so known to a restart
}

func (p *pile) add() {
	entries := make([]entry, p.count("entries"))
	for i := range entries {
		level := rapid.SampledFrom([]uint8{7, 127, 255}).Draw(p.T, "level")
		entries[i] = entry{key: fmt.Sprint("key-", len(p.waiting), i), level: level, line: 3, attempts: 2, ref: segment.Ref{File: 1, Len: 99}}
	}
	if err := p.ready.add(context.Background(), entries); err != nil {
		p.Fatal(err)
	}
	for _, e := range entries {
		p.waiting[e.seq] = e
	}
}

func (p *pile) count(of string) int { return rapid.IntRange(1, 30).Draw(p.T, of) }

// load takes entries as they come: the most urgent, and of those the first.
func (p *pile) load() {
	n := p.count("load")
	found, err := p.ready.load(n)
	if err != nil {
		p.Fatal(err)
	}
	var want []entry
	for _, e := range p.waiting {
		if !slices.ContainsFunc(p.loaded, func(l entry) bool { return l.seq == e.seq }) {
			want = append(want, e)
		}
	}
	slices.SortFunc(want, func(a, b entry) int {
		if a.level != b.level {
			return int(a.level) - int(b.level)
		}
		return int(a.seq) - int(b.seq) //nolint:gosec // small
	})
	if want = want[:min(n, len(want))]; !slices.Equal(found, want) {
		p.Fatalf("loaded %v, want %v", found, want)
	}
	if len(want) > 0 && !p.ready.any() {
		p.Fatal("nothing more, just after something was found")
	}
	p.loaded = append(p.loaded, found...)
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
	ops, err := p.ready.claim(batch)
	if err != nil {
		p.Fatal(err)
	}
	p.batches = append(p.batches, batch)
	for _, e := range batch {
		delete(p.waiting, e.seq)
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
	err := p.ready.add(ctx, []entry{{key: "never acknowledged", level: 127}})
	if !errors.Is(err, context.Canceled) {
		p.Fatal(err)
	}
	p.restart()
}

func (p *pile) restart() {
	if p.ready != nil {
		if err := errors.Join(p.ready.close()...); err != nil {
			p.Fatal(err)
		}
	}
	var err error
	if p.ready, err = openReady(context.Background(), &files{root: p.root, keys: newKeys("test", 0)}, p.store); err != nil {
		p.Fatal(err)
	}
	p.loaded = nil
	for _, batch := range p.batches {
		if p.ready.mayTake(newBaleHeader(batch, lane{}).Last) {
			p.ready.taken(batch)
		}
	}
}

// Whatever is added, loaded, claimed in any order and interrupted: what is
// loaded next is what was added and is in no batch, in order.
func TestReadyEntriesAreThoseInNoBatch(t *testing.T) {
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
		p := &pile{T: rt, root: root, store: state.NewMemory(), waiting: make(map[uint64]entry)}
		p.restart()
		defer func() { _ = errors.Join(p.ready.close()...) }()
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) { p.add() }, "load": func(*rapid.T) { p.load() }, "seal": func(*rapid.T) { p.seal() },
			"restart": func(*rapid.T) { p.restart() }, "tear": func(*rapid.T) { p.tear() },
		})
		for len(p.waiting) > len(p.loaded) {
			p.load()
		}
	})
}
