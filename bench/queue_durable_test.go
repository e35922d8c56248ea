package bench

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
)

// queueStore can scan from the start of each level, as if no head was kept.
type queueStore struct {
	*state.Queue
	forgetHeads bool
}

func (s *queueStore) Scan(ctx context.Context, prefix, from []byte, yield func(key, value []byte) bool) error {
	if s.forgetHeads {
		from = prefix
	}
	return s.Queue.Scan(ctx, prefix, from, yield)
}

type queueTask struct {
	ID    int
	Level queue.Priority
}

func (t queueTask) Priority() queue.Priority { return t.Level }

func openQueueStore(b *testing.B) *queueStore {
	b.Helper()
	db, err := state.OpenBadger(b.TempDir(), slog.New(slog.DiscardHandler))
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	return &queueStore{Queue: state.NewQueue(db)}
}

func openDurable(b *testing.B, s queue.Store) *queue.Durable[queueTask] {
	b.Helper()
	d, err := queue.Open(b.Context(), s, "bench", queue.Strict(queueTask.Priority), queue.Config{Capacity: 1 << 20})
	must(b, err)
	return d
}

// BenchmarkQueueDurableOpen opens a queue of which 299,000 of 300,000 items are
// done, from its remembered head and as if it had none.
func BenchmarkQueueDurableOpen(b *testing.B) {
	const items, done = 300_000, 299_000
	s := openQueueStore(b)
	d := openDurable(b, s)
	tasks := make([]queueTask, items)
	for i := range tasks {
		tasks[i] = queueTask{ID: i}
	}
	_, err := d.PushMany(b.Context(), tasks)
	must(b, err)
	popped, err := d.PopMany(b.Context(), done)
	must(b, err)
	for some := range slices.Chunk(popped, 1000) {
		must(b, d.Ack(b.Context(), some...))
	}
	open := func(forget bool) time.Duration {
		s.forgetHeads = forget
		start := time.Now()
		if d := openDurable(b, s); d.Len() != items-done {
			b.Fatalf("%d items wait, not %d", d.Len(), items-done)
		}
		return time.Since(start)
	}
	var with, without, ratio []float64
	for b.Loop() {
		w, wo := float64(open(false)), float64(open(true))
		with, without, ratio = append(with, w), append(without, wo), append(ratio, wo/w)
	}
	b.ReportMetric(median(with)/1e6, "head-ms/open")
	b.ReportMetric(median(without)/1e6, "no-head-ms/open")
	b.ReportMetric(median(ratio), "x-faster")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkQueueDurablePushPopAck moves items through a queue on Badger with
// synchronous writes, one at a time and a thousand at a time.
func BenchmarkQueueDurablePushPopAck(b *testing.B) {
	for name, n := range map[string]int{"1": 1, "1000": 1000} {
		b.Run(name, func(b *testing.B) {
			d := openDurable(b, openQueueStore(b))
			tasks := make([]queueTask, n)
			for b.Loop() {
				_, err := d.PushMany(b.Context(), tasks)
				must(b, err)
				popped, err := d.PopMany(b.Context(), n)
				must(b, err)
				must(b, d.Ack(b.Context(), popped...))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/item")
		})
	}
}
