package queue_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/queue"
)

func TestPoliciesAgreeWithSortedList(t *testing.T) {
	for name, c := range map[string]struct {
		policy queue.Policy[ticket]
		key    order
		fair   bool
	}{
		"strict by priority": {queue.Strict(ticket.Priority), byLevel, false},
		"strict by number":   {queue.Strict(ticket.Number), byLevel, false},
		"strict by deadline": {queue.Strict(ticket.Deadline), byDue, false},
		"aged by priority":   {queue.Aged(ticket.Priority), agedLevel, false},
		"aged by deadline":   {queue.Aged(ticket.Deadline), agedDue, false},
		"fair by priority":   {queue.Fair(ticket.Priority, ticket.Tenant, ticket.Cost), byLevel, true},
		"fair by deadline":   {queue.Fair(ticket.Deadline, ticket.Tenant, ticket.Cost), risenLevel, true},
	} {
		for _, indexed := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", indexed"}[indexed], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(rand.N(time.Hour)) // rapid takes its seed from the clock
					rapid.Check(bubble{t}, func(rt *rapid.T) {
						m := &naive{key: c.key, renew: name == "aged by deadline", rises: name == "fair by deadline"}
						if c.fair {
							m.fair = newNaiveFair(modelWeights)
						}
						q := queue.New(c.policy, modelConfig)
						if indexed {
							q.Index(ticket.ID)
						}
						(&machine{q: q, model: m, indexed: indexed, t: t}).run(rt)
					})
				})
			})
		}
	}
}

// bubble hides Deadline, which rapid would call and synctest forbids.
type bubble struct{ rapid.TB }

// machine does the same to a queue and to the model.
type machine struct {
	t       *testing.T
	q       *queue.Queue[ticket]
	model   *naive
	indexed bool
	ids     int
}

func (m *machine) run(rt *rapid.T) {
	actions := map[string]func(*rapid.T){
		"push":     m.push,
		"pop":      m.pop,
		"pop many": m.popMany,
		"wait":     func(rt *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(0, 30).Draw(rt, "seconds")) * time.Second) },
		"":         m.check,
	}
	if m.indexed {
		actions["remove"] = m.remove
		actions["update"] = m.update
	}
	rt.Repeat(actions)
}

func (m *machine) draw(rt *rapid.T) ticket {
	v := ticket{
		pri:    queue.Priority(rapid.IntRange(-3, 4).Draw(rt, "priority")),
		tenant: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "tenant"),
		cost:   rapid.Int64Range(1, 5).Draw(rt, "cost"),
	}
	if in := rapid.IntRange(0, 60).Draw(rt, "due"); in > 0 {
		v.due = time.Now().Add(time.Duration(in) * time.Second)
	}
	return v
}

func (m *machine) push(rt *rapid.T) {
	var vs []ticket
	m.model.tick()
	for range rapid.IntRange(1, 20).Draw(rt, "n") {
		m.ids++
		v := m.draw(rt)
		v.id = strconv.Itoa(m.ids)
		vs = append(vs, v)
		m.model.push(v)
	}
	if n, err := m.q.PushMany(m.t.Context(), vs); n != len(vs) || err != nil {
		rt.Fatalf("pushed %d of %d: %v", n, len(vs), err)
	}
}

func (m *machine) pop(rt *rapid.T) {
	if len(m.model.items) == 0 {
		rt.Skip("empty")
	}
	m.model.tick()
	want := m.model.pop()
	if got, err := m.q.Pop(m.t.Context()); got != want || err != nil {
		rt.Fatalf("popped %+v, %v; want %+v", got, err, want)
	}
}

func (m *machine) popMany(rt *rapid.T) {
	if len(m.model.items) == 0 {
		rt.Skip("empty")
	}
	n := rapid.IntRange(1, 30).Draw(rt, "n")
	m.model.tick()
	var want []ticket
	for range min(n, len(m.model.items)) {
		want = append(want, m.model.pop())
	}
	if got, err := m.q.PopMany(m.t.Context(), n); !slices.Equal(got, want) || err != nil {
		rt.Fatalf("popped %+v, %v; want %+v", got, err, want)
	}
}

func (m *machine) remove(rt *rapid.T) {
	id := m.someID(rt)
	got, err := m.q.Remove(id)
	m.model.tick()
	i := m.model.find(id)
	if i < 0 {
		wantNotFound(rt, err)
		return
	}
	if want := m.model.remove(i).ticket; got != want || err != nil {
		rt.Fatalf("removed %+v, %v; want %+v", got, err, want)
	}
}

func (m *machine) update(rt *rapid.T) {
	id, v := m.someID(rt), m.draw(rt)
	v.id = id
	err := m.q.Update(id, func(ticket) ticket { return v })
	m.model.tick()
	i := m.model.find(id)
	if i < 0 {
		wantNotFound(rt, err)
		return
	}
	if err != nil {
		rt.Fatalf("update: %v", err)
	}
	m.model.update(i, v)
}

func (m *machine) someID(rt *rapid.T) string {
	return strconv.Itoa(rapid.IntRange(1, m.ids+1).Draw(rt, "id"))
}

func wantNotFound(rt *rapid.T, err error) {
	if !errors.Is(err, queue.ErrNotFound) {
		rt.Fatalf("of an item that does not wait: %v", err)
	}
}

func (m *machine) check(rt *rapid.T) {
	if n := m.q.Len(); n != len(m.model.items) {
		rt.Fatalf("%d items wait, not %d", n, len(m.model.items))
	}
	if !m.indexed {
		return
	}
	m.model.tick()
	m.model.sort()
	for i, w := range m.model.items {
		if n, err := m.q.Position(w.id); n != i || err != nil {
			rt.Fatalf("position of %+v: %d, %v; want %d", w.ticket, n, err, i)
		}
	}
}
