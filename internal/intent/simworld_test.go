package intent_test

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// world is one simulated run: a job, the disk it writes to, and a provider at
// which the job spends money. All that happens follows from the seed.
//
// The job is driven by the protocol under test in the order in which
// flow/durable drives it, and stored as it stores it. A crash may come before
// and after every durable write and every effect; it forgets the engine and
// leaves the disk and the provider.
type world struct {
	*rand.Rand
	weather
	now      time.Time
	clock    time.Duration // by which the clock of our machine is ahead
	points   int           // places so far at which the process could have died
	crashAt  []int         // those at which it does, beside the random ones
	calls    int           // places so far at which another call could have ended the run
	endAt    int           // the one at which it does, beside the random ones
	disk     disk
	looked   map[string]time.Time // when each intent looked for batches last
	provider provider
	stats    stats
	defect   defect
}

func (w *world) chance(p float64) bool { return w.Float64() < p }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.Int64N(int64(d) + 1)) }

// wall is what the clock of our machine says.
func (w *world) wall() time.Time { return w.now.Add(w.clock) }

// pass lets time go by.
func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

// do is a durable write or an effect, before and after which the process may
// die.
func (w *world) do(f func()) {
	w.point()
	f()
	w.point()
}

// call is an effect at the provider. It reports whether there was a reply:
// another call may end the run before the effect or the reply.
func (e *engine) call(f func()) (answered bool) {
	if e.ends() {
		return false
	}
	e.do(f)
	return !e.ends()
}

// ends reports whether another call ends the run here. What is under way then
// comes to no reply, and what is known is still recorded.
func (e *engine) ends() bool {
	e.calls++
	if e.chance(e.end) || e.calls == e.endAt {
		e.over = true
		e.stats["ends"]++
	}
	return e.over
}

type crashed struct{}

func (w *world) point() {
	w.points++
	dies := w.chance(w.crash)
	for _, at := range w.crashAt {
		dies = dies || at == w.points
	}
	if dies {
		panic(crashed{})
	}
}

// violation is a broken promise.
type violation string

func (v violation) Error() string { return string(v) }

func (w *world) fail(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }

// run lives as often as needed until the job is done, and checks what is left.
func (w *world) run() (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case violation:
			err = r
		default:
			panic(r)
		}
	}()
	for w.life() {
		w.stats["crashes"]++
		w.pass(w.upTo(10 * time.Minute))
		if w.chance(0.1) {
			w.pass(w.upTo(24 * time.Hour))
		}
		if w.chance(w.jumps) {
			w.stats["jumps"]++
			w.clock = w.upTo(96*time.Hour) - 48*time.Hour
		}
		if w.chance(w.losses) {
			w.stats["losses"]++
			w.disk = w.disk.rebuilt(w.items)
		}
	}
	w.check()
	return nil
}

// life is one process; it reports whether it died before its work was done.
func (w *world) life() (died bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case crashed:
			died = true
		default:
			panic(r)
		}
	}()
	(&engine{world: w}).run()
	return false
}
