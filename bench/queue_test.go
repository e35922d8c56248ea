package bench

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/queue"
)

// queued is the depth at which push and pop are measured.
const queued = 1_000_000

// queueItem is 40 bytes, about a key and a reference.
type queueItem struct {
	name  string
	level queue.Priority
	due   int64
	cost  int64
}

func (i queueItem) Level() queue.Priority { return i.level }
func (i queueItem) Due() time.Time        { return time.Unix(0, i.due) }
func (i queueItem) Cost() int64           { return i.cost }
func (i queueItem) ID() string            { return i.name }
func (i queueItem) Tenant() string        { return queueTenants[i.cost%int64(len(queueTenants))] }

var queueTenants = [...]string{"ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"}

// queueItems is a fixed random sequence.
func queueItems(n int) []queueItem {
	rnd := rand.New(rand.NewPCG(1, 2))
	items := make([]queueItem, n)
	for i := range items {
		items[i] = queueItem{
			name:  strconv.Itoa(i),
			level: queue.Priority(rnd.IntN(4)) + queue.PriorityLow,
			due:   rnd.Int64N(int64(240 * time.Hour)),
			cost:  1 + rnd.Int64N(1000),
		}
	}
	return items
}

// priorityQueue is what the contestants have in common.
type priorityQueue interface {
	Push(ctx context.Context, v queueItem) error
	Pop(ctx context.Context) (queueItem, error)
	Len() int
}

// heapQueue is the usual way: container/heap, here typed so that it need not
// box its items, under a mutex. No capacity, no context, no waiting.
type heapQueue struct {
	mu   sync.Mutex
	heap []heapItem
	seq  uint64
	less func(a, b *queueItem) int
}

type heapItem struct {
	queueItem
	seq uint64 // FIFO among equals
}

func (h *heapQueue) before(i, j int) bool {
	a, b := &h.heap[i], &h.heap[j]
	if c := h.less(&a.queueItem, &b.queueItem); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

func (h *heapQueue) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.heap)
}

func (h *heapQueue) Push(_ context.Context, v queueItem) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	h.heap = append(h.heap, heapItem{v, h.seq})
	for j := len(h.heap) - 1; ; {
		i := (j - 1) / 2
		if i == j || !h.before(j, i) {
			return nil
		}
		h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
		j = i
	}
}

func (h *heapQueue) Pop(context.Context) (queueItem, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.heap) - 1
	h.heap[0], h.heap[last] = h.heap[last], h.heap[0]
	h.down(last)
	v := h.heap[last].queueItem
	h.heap[last] = heapItem{}
	h.heap = h.heap[:last]
	return v, nil
}

func (h *heapQueue) down(n int) {
	for i := 0; ; {
		j := 2*i + 1
		if j >= n {
			return
		}
		if right := j + 1; right < n && h.before(right, j) {
			j = right
		}
		if !h.before(j, i) {
			return
		}
		h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
		i = j
	}
}

func byLevel(a, b *queueItem) int { return int(b.level - a.level) }

func byDue(a, b *queueItem) int {
	switch {
	case a.due < b.due:
		return -1
	case a.due > b.due:
		return 1
	default:
		return 0
	}
}

// roomy is a Config that never makes a producer wait.
var roomy = queue.Config{Capacity: 2 * queued}

var queueContestants = []struct {
	name string
	less func(a, b *queueItem) int // of the heap to compare with
	new  func() priorityQueue
}{
	{"strict-levels", byLevel, func() priorityQueue { return queue.By(queueItem.Level, roomy) }},
	{"strict-deadlines", byDue, func() priorityQueue { return queue.By(queueItem.Due, roomy) }},
	{"aged-levels", byLevel, func() priorityQueue { return queue.New(queue.Aged(queueItem.Level), roomy) }},
	{"fair-levels", byLevel, func() priorityQueue {
		return queue.New(queue.Fair(queueItem.Level, queueItem.Tenant, queueItem.Cost), roomy)
	}},
}

// BenchmarkQueuePushPop measures one Push and one Pop with a million items
// queued, each queue against the heap in the same order. The two take turns, so
// that a busy machine slows both, and x-faster is the median of the turns;
// x-undisturbed compares the turns of either that nothing got in the way of.
func BenchmarkQueuePushPop(b *testing.B) {
	items := queueItems(1 << 20)
	for _, c := range queueContestants {
		b.Run(c.name, func(b *testing.B) {
			heap, q := &heapQueue{less: c.less}, c.new()
			for _, v := range items[:queued] {
				must(b, heap.Push(b.Context(), v))
				must(b, q.Push(b.Context(), v))
			}
			runtime.GC()
			var turns turns
			for at := 0; b.Loop(); at++ {
				turns.take(func() { pushPop(b, heap, items, at) }, func() { pushPop(b, q, items, at) })
			}
			turns.report(b, turnLen, "heap-ns/item")
			b.ReportMetric(median(turns.ratio), "x-faster")
			b.ReportMetric(undisturbed(turns.base)/undisturbed(turns.other), "x-undisturbed")
		})
	}
}

// turnLen is how many items one turn moves.
const turnLen = 4096

// pushPop takes the first item and adds one that is due some random time later,
// which keeps the deadlines as widely spread as they are (the hold model).
func pushPop(b *testing.B, q priorityQueue, items []queueItem, at int) {
	b.Helper()
	ctx := b.Context()
	for i := at * turnLen; i < (at+1)*turnLen; i++ {
		first, err := q.Pop(ctx)
		must(b, err)
		v := items[i%turnLen] // few, so that they come from the cache
		v.due += first.due
		must(b, q.Push(ctx, v))
	}
}

// turns times two contestants that take turns.
type turns struct{ base, other, ratio []float64 }

func (t *turns) take(base, other func()) {
	start := time.Now()
	base()
	middle := time.Now()
	other()
	x, y := float64(middle.Sub(start)), float64(time.Since(middle))
	t.base, t.other, t.ratio = append(t.base, x), append(t.other, y), append(t.ratio, x/y)
}

// report gives the time of an item, of which a turn moved n.
func (t *turns) report(b *testing.B, n float64, base string) {
	b.Helper()
	b.ReportMetric(median(t.base)/n, base)
	b.ReportMetric(median(t.other)/n, "ns/item")
	b.ReportMetric(0, "ns/op")
}

func median(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// undisturbed is the time of a turn that had the machine almost to itself: one
// of the shortest twentieth.
func undisturbed(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/20]
}

func must(b *testing.B, err error) { //nolint:thelper // Helper would cost more than what is measured
	if err != nil {
		b.Fatal(err)
	}
}
