package queue_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/balerhq/baler/queue"
)

// order says where a waiting item belongs, from what is known of it now. The
// naive list sorts by it whenever it is looked at.
type order func(w waiting) int64

type waiting struct {
	ticket
	arrived time.Time
	seq     int
	start   float64        // Fair
	level   queue.Priority // Fair by deadline
}

// naive is the model: a list that is sorted anew each time.
type naive struct {
	items []*waiting
	seq   int
	key   order
	fair  *naiveFair
	// renew: an item that loses its deadline counts as new.
	renew bool
	// rises: levels come from deadlines.
	rises bool
}

// tick moves the items whose level has risen, in the order in which they rose.
func (n *naive) tick() {
	var risen []*waiting
	for _, w := range n.items {
		if n.rises && modelConfig.Level(w.due, time.Now()) != w.level {
			risen = append(risen, w)
		}
	}
	slices.SortFunc(risen, func(a, b *waiting) int {
		return cmp.Or(a.risesAt().Compare(b.risesAt()), cmp.Compare(a.seq, b.seq))
	})
	for _, w := range risen {
		n.remove(n.find(w.id))
		n.enter(w)
	}
}

func (w *waiting) risesAt() time.Time {
	if w.level == queue.PriorityHigh {
		return w.due.Add(-modelConfig.Critical)
	}
	return w.due.Add(-modelConfig.High)
}

// enter queues w at the level it has now.
func (n *naive) enter(w *waiting) {
	w.level = modelConfig.Level(w.due, time.Now())
	if n.fair != nil {
		n.fair.start(n, w)
	}
	n.items = append(n.items, w)
}

func (n *naive) sort() {
	slices.SortFunc(n.items, func(a, b *waiting) int {
		return cmp.Or(cmp.Compare(n.key(*a), n.key(*b)), cmp.Compare(a.start, b.start), cmp.Compare(a.seq, b.seq))
	})
}

func (n *naive) push(v ticket) {
	n.seq++
	n.enter(&waiting{ticket: v, arrived: time.Now(), seq: n.seq})
}

func (n *naive) pop() ticket {
	n.sort()
	w := n.items[0]
	n.items = n.items[1:]
	if n.fair != nil {
		n.fair.served(n, w)
	}
	return w.ticket
}

func (n *naive) find(id string) int {
	return slices.IndexFunc(n.items, func(w *waiting) bool { return w.id == id })
}

func (n *naive) remove(i int) *waiting {
	w := n.items[i]
	n.items = slices.Delete(n.items, i, i+1)
	if n.fair != nil {
		n.fair.removed(n, w)
	}
	return w
}

func (n *naive) update(i int, v ticket) {
	w := n.items[i]
	old := *w
	if n.renew && old.due != v.due && v.due.IsZero() {
		w.arrived = time.Now()
	}
	changed := *w
	changed.ticket, changed.level = v, modelConfig.Level(v.due, time.Now())
	if n.fair != nil && (n.key(old) != n.key(changed) || old.tenant != v.tenant || old.cost != v.cost) {
		n.remove(i)
		w.ticket = v
		n.enter(w)
		return
	}
	w.ticket = v
}

// naiveFair is start-time fair queueing that forgets a flow only when its level
// is empty.
type naiveFair struct {
	weights   map[string]int
	now       map[int64]float64
	end, paid map[flowID]float64
}

type flowID struct {
	level  int64
	tenant string
}

func newNaiveFair(weights map[string]int) *naiveFair {
	return &naiveFair{weights, map[int64]float64{}, map[flowID]float64{}, map[flowID]float64{}}
}

func (f *naiveFair) length(w *waiting) float64 {
	return float64(w.cost) / float64(max(1, f.weights[w.tenant]))
}

func (f *naiveFair) start(n *naive, w *waiting) {
	id := flowID{n.key(*w), w.tenant}
	w.start = max(f.now[id.level], f.end[id])
	f.end[id] = w.start + f.length(w)
}

func (f *naiveFair) served(n *naive, w *waiting) {
	id := flowID{n.key(*w), w.tenant}
	f.now[id.level] = max(f.now[id.level], w.start)
	f.paid[id] = w.start + f.length(w)
	f.forget(n, id.level)
}

func (f *naiveFair) removed(n *naive, w *waiting) {
	id := flowID{n.key(*w), w.tenant}
	if !slices.ContainsFunc(n.items, func(o *waiting) bool { return flowID{n.key(*o), o.tenant} == id }) {
		f.end[id] = f.paid[id]
	}
	f.forget(n, id.level)
}

func (f *naiveFair) forget(n *naive, level int64) {
	if slices.ContainsFunc(n.items, func(w *waiting) bool { return n.key(*w) == level }) {
		return
	}
	old := func(id flowID, _ float64) bool { return id.level == level }
	maps.DeleteFunc(f.end, old)
	maps.DeleteFunc(f.paid, old)
}

// Weights that divide the unit of virtual time, so that the model's floating
// point and the queue's integers agree exactly.
var modelWeights = map[string]int{"b": 2, "c": 8}

var modelConfig = queue.Config{
	Capacity: 1 << 20,
	Aging:    10 * time.Second,
	Critical: 10 * time.Second,
	High:     30 * time.Second,
	Weights:  modelWeights,
}

func byLevel(w waiting) int64 { return -int64(w.pri) }

func risenLevel(w waiting) int64 { return -int64(w.level) }

func byDue(w waiting) int64 {
	if w.due.IsZero() {
		return math.MaxInt64
	}
	return w.due.UnixNano()
}

func agedLevel(w waiting) int64 {
	return w.arrived.UnixNano() - int64(w.pri)*int64(modelConfig.Aging)
}

func agedDue(w waiting) int64 {
	if w.due.IsZero() {
		return w.arrived.Add(modelConfig.Aging).UnixNano()
	}
	return w.due.UnixNano()
}
