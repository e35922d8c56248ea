package queue_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/queue"
)

// running is a queue that runs as a stage. Its output is unbuffered, as in a
// pipeline whose next stage is busy.
type running struct {
	t *testing.T
	*queue.Queue[ticket]
	in   chan []ticket
	out  chan []ticket
	stop context.CancelCauseFunc
	done chan error
}

func run(t *testing.T, q *queue.Queue[ticket]) *running {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &running{t, q, make(chan []ticket), make(chan []ticket), cancel, make(chan error, 1)}
	go func() { r.done <- q.Run(ctx, r.in, r.out) }()
	return r
}

// tickets makes one of normal priority for each letter, critical for capitals.
func tickets(ids string) []ticket {
	var vs []ticket
	for _, id := range ids {
		v := ticket{id: string(id)}
		if id < 'a' {
			v.pri = queue.PriorityCritical
		}
		vs = append(vs, v)
	}
	return vs
}

func ids(vs []ticket) string {
	var s strings.Builder
	for _, v := range vs {
		s.WriteString(v.id)
	}
	return s.String()
}

// rest is what still comes out, slices separated by a space.
func (r *running) rest() string {
	var got []string
	for {
		select {
		case vs := <-r.out:
			got = append(got, ids(vs))
		case err := <-r.done:
			r.done <- err
			return strings.Join(got, " ")
		}
	}
}

func stage(t *testing.T, slice, capacity int, story func(*running)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := run(t, queue.By(ticket.Priority, queue.Config{Slice: slice, Capacity: capacity}).Index(ticket.ID))
		story(r)
		r.stop(nil)
	})
}

func TestLateCriticalItemOvertakes(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		r.in <- tickets("abcde")
		synctest.Wait() // "ab" is on offer, and nobody takes it
		r.in <- tickets("X")
		close(r.in)
		if got := r.rest(); got != "Xa bc de" {
			r.t.Errorf("delivered %q", got)
		}
	})
}

func TestLateCriticalItemFromOutsideOvertakes(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		r.in <- tickets("abcde")
		synctest.Wait()
		if err := r.Push(r.t.Context(), tickets("X")[0]); err != nil {
			r.t.Error(err)
		}
		urge := func(v ticket) ticket { v.pri = queue.PriorityHigh; return v }
		if err := r.Update("d", urge); err != nil {
			r.t.Error(err)
		}
		synctest.Wait()
		close(r.in)
		if got := r.rest(); got != "Xd ab ce" {
			r.t.Errorf("delivered %q", got)
		}
	})
}

func TestStageDoesNotLinger(t *testing.T) {
	stage(t, 64, 100, func(r *running) {
		for _, id := range []string{"a", "b", "c"} {
			r.in <- tickets(id)
			synctest.Wait()
			select {
			case vs := <-r.out:
				if ids(vs) != id {
					r.t.Errorf("got %q after %q", ids(vs), id)
				}
			default:
				r.t.Errorf("%q is not on offer", id)
			}
		}
	})
}

func TestFullStageStopsReceiving(t *testing.T) {
	stage(t, 2, 4, func(r *running) {
		r.in <- tickets("abcd")
		synctest.Wait()
		select {
		case r.in <- tickets("e"):
			r.t.Error("took a slice without room")
		default:
		}
		if r.Len() != 4 {
			r.t.Errorf("%d items inside, not 4", r.Len())
		}
		<-r.out
		r.in <- tickets("e")
		close(r.in)
		if got := r.rest(); got != "cd e" {
			r.t.Errorf("delivered %q", got)
		}
	})
}

func TestRoomMadeFromOutsideIsUsed(t *testing.T) {
	stage(t, 1, 3, func(r *running) {
		r.in <- tickets("abc")
		synctest.Wait()
		if _, err := r.Remove("c"); err != nil {
			r.t.Error(err)
		}
		r.in <- tickets("d") // hangs if the stage does not notice
		close(r.in)
		if got := r.rest(); got != "a b d" {
			r.t.Errorf("delivered %q", got)
		}
	})
}

func TestItemsOnOfferHaveLeft(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		r.in <- tickets("abc")
		synctest.Wait()
		if _, err := r.Remove("b"); !errors.Is(err, queue.ErrNotFound) {
			r.t.Errorf("removed an item on offer: %v", err)
		}
		if n, err := r.Position("c"); n != 2 || err != nil {
			r.t.Errorf("position behind two on offer: %d, %v", n, err)
		}
		if err := r.Push(r.t.Context(), tickets("a")[0]); !errors.Is(err, queue.ErrDuplicate) {
			r.t.Errorf("pushed what is on offer: %v", err)
		}
		<-r.out
		synctest.Wait()
		if err := r.Push(r.t.Context(), tickets("a")[0]); err != nil {
			r.t.Errorf("pushed what was delivered: %v", err)
		}
	})
}

func TestCancelledStageKeepsItsItems(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		r.in <- tickets("abc")
		synctest.Wait()
		why := errors.New("enough")
		r.stop(why)
		if err := <-r.done; !errors.Is(err, why) {
			r.t.Errorf("ended with %v", err)
		}
		if vs, err := r.PopMany(r.t.Context(), 9); ids(vs) != "abc" || err != nil {
			r.t.Errorf("left behind %q, %v", ids(vs), err)
		}
	})
}

func TestCancelledStageSendsNothing(t *testing.T) {
	for range 100 {
		q := queue.By(ticket.Priority, queue.Config{})
		if _, err := q.PushMany(t.Context(), tickets("abc")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		out := make(chan []ticket, 1)
		if err := q.Run(ctx, nil, out); !errors.Is(err, context.Canceled) || len(out) > 0 {
			t.Fatalf("%d slices sent, %v", len(out), err)
		}
	}
}

func TestClosedStageDeliversAndSaysSo(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		r.in <- tickets("abc")
		r.Close()
		if got := r.rest(); got != "ab c" {
			r.t.Errorf("delivered %q", got)
		}
		if err := <-r.done; !errors.Is(err, queue.ErrClosed) {
			r.t.Errorf("ended with %v", err)
		}
	})
}

func TestDuplicateEndsTheStage(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		r.in <- tickets("aa")
		if err := <-r.done; !errors.Is(err, queue.ErrDuplicate) {
			r.t.Errorf("ended with %v", err)
		}
	})
}

func TestSecondRunIsRefused(t *testing.T) {
	stage(t, 2, 100, func(r *running) {
		synctest.Wait()
		if err := r.Run(r.t.Context(), nil, nil); err == nil {
			r.t.Error("two at once")
		}
	})
}

// Many items through a slow reader in every policy: nothing lost or doubled.
func TestStageDeliversAllOnce(t *testing.T) {
	for name, p := range map[string]queue.Policy[ticket]{
		"strict": queue.Strict(ticket.Priority),
		"dues":   queue.Strict(ticket.Deadline),
		"aged":   queue.Aged(ticket.Priority),
		"fair":   queue.Fair(ticket.Priority, ticket.Tenant, nil),
		"rising": queue.Fair(ticket.Deadline, ticket.Tenant, nil),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, queue.New(p, queue.Config{Slice: 3, Capacity: 20, Critical: time.Second, High: time.Minute}))
				const n = 500
				go func() {
					for i := range n {
						v := ticket{
							pri:    queue.Priority(i%5 - 2),
							tenant: string(rune('a' + i%3)),
							cost:   int64(i),
							due:    time.Now().Add(time.Duration(i%70) * time.Second),
						}
						r.in <- []ticket{v}
						time.Sleep(time.Duration(i%4) * time.Second)
					}
					close(r.in)
				}()
				var got []int
				for len(got) < n {
					for _, v := range <-r.out {
						got = append(got, int(v.cost))
					}
					time.Sleep(5 * time.Second)
				}
				slices.Sort(got)
				for i, v := range got {
					if i != v {
						t.Fatalf("item %d is missing or doubled", i)
					}
				}
				if err := <-r.done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
