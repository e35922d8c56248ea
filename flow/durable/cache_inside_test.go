package durable

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/tag"
)

// answeredBatches writes the answers of so many batches of a thousand, the
// requests of which are numbered, and returns a cache of them.
func answeredBatches(tb testing.TB, batches int) *cache {
	tb.Helper()
	root, err := os.OpenRoot(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = root.Close() })
	other := jobdir.NewKeys("other", 0)
	sub, err := jobdir.MakeRoot(root, other)
	if err != nil {
		tb.Fatal(err)
	}
	defer sub.Close()
	dir := &jobdir.Dir{Root: sub}
	for n := range batches {
		answers := make([]jobdir.Answer, 1000)
		for i := range answers {
			answers[i] = jobdir.Answer{Content: numbered(n*1000 + i), Offset: int64(i)}
		}
		h := jobdir.AnswerHeader{At: time.Now(), Batch: fmt.Sprintf("batch_%d", n), N: len(answers)}
		if err := dir.WriteAnswers(tag.New(), h, answers); err != nil {
			tb.Fatal(err)
		}
	}
	return &cache{root: root, own: jobdir.NewKeys("own", 0).Dir(), ttl: time.Hour, log: slog.New(slog.DiscardHandler)}
}

// numbered is the digest of a request, as evenly spread as digests are.
func numbered(n int) (d jobdir.Digest) {
	random := rand.New(rand.NewPCG(uint64(n), 0)) //nolint:gosec // not a secret
	for i := range d {
		d[i] = byte(random.Uint32()) //nolint:gosec // a byte of it
	}
	return d
}

func oneRoute(int) jobdir.Route { return jobdir.Route{} }

// An answer counts for the route that gave it.
func TestTheCacheKnowsWhichRouteAnswered(t *testing.T) {
	t.Parallel()
	c := answeredBatches(t, 1)
	entries := []jobdir.Entry{{Content: numbered(1)}, {Content: numbered(2), Route: 1}, {Content: numbered(3), Route: 2}, {Content: numbered(4), Route: 3}}
	routes := []jobdir.Route{{}, {Model: "another"}, {}, {Revision: 2}}
	if err := c.mark(entries, func(n int) jobdir.Route { return routes[n] }); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, true, false} {
		if got := entries[i].Hit != nil; got != want {
			t.Errorf("route %+v: hit %v", routes[i], got)
		}
	}
}

func TestTheCacheKnowsAllAnswersAndNoOthers(t *testing.T) {
	t.Parallel()
	c := answeredBatches(t, 20)
	entries := make([]jobdir.Entry, 25_000)
	for i := range entries {
		entries[i].Content = numbered(i)
	}
	entries[7].SetTries([]jobdir.Try{{Times: 1}}) // it was sent, so what it gets is what it paid for
	if err := c.mark(entries, oneRoute); err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		switch h := entries[i].Hit; {
		case (h != nil) != (i < 20_000 && i != 7):
			t.Fatalf("request %d: hit %v", i, h)
		case h != nil && (h.Batch != fmt.Sprintf("batch_%d", i/1000) || h.Offset != int64(i%1000)):
			t.Fatalf("request %d was answered by %+v at %d", i, h.AnsweredBatch, h.Offset)
		}
	}
}

// Of several answers the latest counts, and the job's own do not.
func TestTheCacheKnowsTheLatestAnswerOfAnother(t *testing.T) {
	t.Parallel()
	c := answeredBatches(t, 1)
	for _, name := range []string{"later", "own"} {
		sub, err := jobdir.MakeRoot(c.root, jobdir.NewKeys(name, 0))
		if err != nil {
			t.Fatal(err)
		}
		dir := &jobdir.Dir{Root: sub}
		h := jobdir.AnswerHeader{At: time.Now(), Batch: name, N: 1}
		if err := dir.WriteAnswers(tag.New(), h, []jobdir.Answer{{Content: numbered(3), Offset: 99}}); err != nil {
			t.Fatal(err)
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
	}
	entries := []jobdir.Entry{{Content: numbered(2)}, {Content: numbered(3)}}
	if err := c.mark(entries, oneRoute); err != nil {
		t.Fatal(err)
	}
	if first, second := entries[0].Hit, entries[1].Hit; first.Batch != "batch_0" || second.Batch != "later" || second.Offset != 99 {
		t.Errorf("hits %+v and %+v", first, second)
	}
}

func BenchmarkCache(b *testing.B) {
	c := answeredBatches(b, 500)
	b.Run("load half a million", func(b *testing.B) {
		for b.Loop() {
			c.batches, c.answers = nil, nil
			if err := c.load(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, from := range map[string]int{"hit": 0, "miss": 1_000_000} {
		wanted := make([]jobdir.Digest, 10_000)
		for i := range wanted {
			wanted[i] = numbered(from + rand.IntN(500_000)) //nolint:gosec // not a secret
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; (c.find(wanted[n%len(wanted)], jobdir.Route{}) != nil) != (name == "hit") {
					b.Fatal("not a", name)
				}
			}
		})
	}
}
