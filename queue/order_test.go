package queue

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// errand is the item of this test.
type errand struct {
	n      int
	level  int
	due    time.Time
	tenant int
}

// An order gives out what has the lowest place, also after some of it came back
// as it does when a stage withdraws its offer.
func TestOrdersGiveOutTheLowestPlace(t *testing.T) {
	level := func(e errand) Priority { return Priority(e.level) }
	due := func(e errand) time.Time { return e.due }
	tenant := func(e errand) string { return strconv.Itoa(e.tenant) }
	for name, p := range map[string]Policy[errand]{
		"strict by priority": Strict(level),
		"strict by deadline": Strict(due),
		"aged by priority":   Aged(level),
		"aged by deadline":   Aged(due),
		"fair by priority":   Fair(level, tenant, nil),
	} {
		for kind, make := range map[string]func(Config) order[errand]{
			"":          p.order,
			", indexed": func(c Config) order[errand] { return p.ranked(c, nil) },
		} {
			t.Run(name+kind, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					(&orderMachine{order: make(Config{}.withDefaults())}).run(t)
				})
			})
		}
	}
}

type orderMachine struct {
	order order[errand]
	n     int
	list  []placed // in the order in which they must leave
}

type placed struct {
	p place
	v errand
}

func (m *orderMachine) run(t *rapid.T) {
	epoch := time.Unix(1_800_000_000, 0)
	spread := rapid.SampledFrom([]int{1, 7, 100_000}).Draw(t, "spread")
	t.Repeat(map[string]func(*rapid.T){
		"push": func(t *rapid.T) {
			m.order.tick()
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
				m.order.restore(e.p, e.v)
				m.list = slices.Insert(m.list, 0, e)
			}
		},
		"": func(t *rapid.T) {
			if n := m.order.len(); n != len(m.list) {
				t.Fatalf("%d items wait, not %d", n, len(m.list))
			}
		},
	})
}

// push puts v behind its equals.
func (m *orderMachine) push(v errand) {
	e := placed{m.order.push(v), v}
	i, _ := slices.BinarySearchFunc(m.list, e, func(a, b placed) int {
		if b.p.less(a.p) {
			return 1
		}
		return -1
	})
	m.list = slices.Insert(m.list, i, e)
}

// pop takes up to n items.
func (m *orderMachine) pop(t *rapid.T, n int) []placed {
	taken := slices.Clone(m.list[:min(n, len(m.list))])
	m.list = m.list[len(taken):]
	for _, want := range taken {
		v := *m.order.head()
		if p := m.order.pop(); v != want.v || p.key != want.p.key {
			t.Fatalf("item %d left from %+v, not %d from %+v", v.n, p, want.v.n, want.p)
		}
	}
	return taken
}
