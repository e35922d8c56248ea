package order

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/queue/internal/rank"
)

// errand is the item of this test.
type errand struct {
	n      int
	level  int
	due    time.Time
	tenant int
}

// An order gives out the item with the lowest key, also after some came back as
// they do when a stage withdraws its offer.
func TestOrdersGiveOutTheLowestKey(t *testing.T) {
	level := func(e errand) int { return e.level }
	due := func(e errand) time.Time { return e.due }
	tenants := Tenants[errand]{
		Name: func(e errand) string { return strconv.Itoa(e.tenant) },
		Cost: func(errand) int64 { return 1 },
	}
	const aging = time.Hour
	for name, make := range map[string]func() Order[errand]{
		"strict by priority":          func() Order[errand] { return NewLevelFIFO(level) },
		"strict by priority, indexed": func() Order[errand] { return NewTree(ByPriority(level)) },
		"strict by deadline":          func() Order[errand] { return NewHeap(ByDeadline(due)) },
		"strict by deadline, indexed": func() Order[errand] { return NewTree(ByDeadline(due)) },
		"aged by priority":            func() Order[errand] { return NewAging(level, aging) },
		"aged by priority, indexed":   func() Order[errand] { return NewTree(AgedPriority(level, aging)) },
		"aged by deadline":            func() Order[errand] { return NewHeap(AgedDeadline(due, aging)) },
		"aged by deadline, indexed":   func() Order[errand] { return NewTree(AgedDeadline(due, aging)) },
		"fair by priority":            func() Order[errand] { return NewFair(level, tenants) },
		"fair by priority, indexed":   func() Order[errand] { return NewFairTree(level, tenants) },
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { (&orderMachine{order: make()}).run(t) })
		})
	}
}

type orderMachine struct {
	order Order[errand]
	n     int
	list  []keyed // in the order in which they must leave
}

type keyed struct {
	k rank.Key
	v errand
}

func (m *orderMachine) run(t *rapid.T) {
	epoch := time.Unix(1_800_000_000, 0)
	spread := rapid.SampledFrom([]int{1, 7, 100_000}).Draw(t, "spread")
	t.Repeat(map[string]func(*rapid.T){
		"push": func(t *rapid.T) {
			m.order.Tick()
			for range rapid.IntRange(1, 200).Draw(t, "n") {
				m.n++
				m.push(errand{
					n:      m.n,
					level:  rapid.IntRange(-3, 4).Draw(t, "level"),
					due:    epoch.Add(time.Duration(rapid.IntRange(0, spread).Draw(t, "due"))),
					tenant: rapid.IntRange(1, 5).Draw(t, "tenant"),
				})
			}
		},
		"pop": func(t *rapid.T) {
			m.pop(t, rapid.IntRange(1, 300).Draw(t, "n"))
		},
		"offer and withdraw": func(t *rapid.T) {
			for _, e := range slices.Backward(m.pop(t, rapid.IntRange(1, 100).Draw(t, "n"))) {
				m.order.Restore(e.k, e.v)
				m.list = slices.Insert(m.list, 0, e)
			}
		},
		"": func(t *rapid.T) {
			if n := m.order.Len(); n != len(m.list) {
				t.Fatalf("%d items wait, not %d", n, len(m.list))
			}
		},
	})
}

// push puts v behind its equals.
func (m *orderMachine) push(v errand) {
	e := keyed{m.order.Push(v), v}
	i, _ := slices.BinarySearchFunc(m.list, e, func(a, b keyed) int {
		if b.k.Less(a.k) {
			return 1
		}
		return -1
	})
	m.list = slices.Insert(m.list, i, e)
}

// pop takes up to n items.
func (m *orderMachine) pop(t *rapid.T, n int) []keyed {
	taken := slices.Clone(m.list[:min(n, len(m.list))])
	m.list = m.list[len(taken):]
	for _, want := range taken {
		v := *m.order.Head()
		if k := m.order.Pop(); v != want.v || k.Urgency != want.k.Urgency {
			t.Fatalf("item %d left from %+v, not %d from %+v", v.n, k, want.v.n, want.k)
		}
	}
	return taken
}
