package durable

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/balerhq/baler/internal/intent"
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
	other := newKeys("other", 0)
	sub, err := jobRoot(root, other)
	if err != nil {
		tb.Fatal(err)
	}
	defer sub.Close()
	e := &engine{files: files{root: sub}, config: config{cache: time.Hour}}
	for n := range batches {
		answers := make([]answer, 1000)
		for i := range answers {
			answers[i] = answer{numbered(n*1000 + i), int64(i)}
		}
		in := intent.Intent{Tag: newTag(), Batch: fmt.Sprintf("batch_%d", n)}
		if err := e.writeAnswers(in, answers); err != nil {
			tb.Fatal(err)
		}
	}
	return &cache{root: root, own: newKeys("own", 0).dir(), ttl: time.Hour, log: slog.New(slog.DiscardHandler)}
}

// numbered is the digest of a request, as evenly spread as digests are.
func numbered(n int) (d digest) {
	random := rand.New(rand.NewPCG(uint64(n), 0)) //nolint:gosec // not a secret
	for i := range d {
		d[i] = byte(random.Uint32()) //nolint:gosec // a byte of it
	}
	return d
}

func TestTheCacheKnowsAllAnswersAndNoOthers(t *testing.T) {
	c := answeredBatches(t, 20)
	entries := make([]entry, 25_000)
	for i := range entries {
		entries[i].content = numbered(i)
	}
	entries[7].attempts = 1 // it was sent, so what it gets is what it paid for
	if err := c.mark(entries); err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		switch h := entries[i].hit; {
		case (h != nil) != (i < 20_000 && i != 7):
			t.Fatalf("request %d: hit %v", i, h)
		case h != nil && (h.Batch != fmt.Sprintf("batch_%d", i/1000) || h.offset != int64(i%1000)):
			t.Fatalf("request %d was answered by %+v at %d", i, h.answeredBatch, h.offset)
		}
	}
}

// Of several answers the latest counts, and the job's own do not.
func TestTheCacheKnowsTheLatestAnswerOfAnother(t *testing.T) {
	c := answeredBatches(t, 1)
	for _, name := range []string{"later", "own"} {
		sub, err := jobRoot(c.root, newKeys(name, 0))
		if err != nil {
			t.Fatal(err)
		}
		e := &engine{files: files{root: sub}, config: config{cache: time.Hour}}
		if err := e.writeAnswers(intent.Intent{Tag: newTag(), Batch: name}, []answer{{numbered(3), 99}}); err != nil {
			t.Fatal(err)
		}
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
	}
	entries := []entry{{content: numbered(2)}, {content: numbered(3)}}
	if err := c.mark(entries); err != nil {
		t.Fatal(err)
	}
	if first, second := entries[0].hit, entries[1].hit; first.Batch != "batch_0" || second.Batch != "later" || second.offset != 99 {
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
		wanted := make([]digest, 10_000)
		for i := range wanted {
			wanted[i] = numbered(from + rand.IntN(500_000)) //nolint:gosec // not a secret
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; (c.find(wanted[n%len(wanted)]) != nil) != (name == "hit") {
					b.Fatal("not a", name)
				}
			}
		})
	}
}
