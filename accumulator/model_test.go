package accumulator_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/accumulator"
)

// parcel is an item that knows where it comes from.
type parcel struct {
	Producer, N int
	Handle      bool // it goes through a Producer
	Key         string
	Weight      int
}

// step is one thing that a goroutine of a schedule does.
type step struct {
	Do      string // add, many, handle, flush or sleep
	Parcels []parcel
	For     time.Duration // to sleep, or until the context of the call ends
}

// schedule is one run of an Accumulator from start to Close.
type schedule struct {
	Config  accumulator.Config
	Keyed   bool
	Weighed bool
	Reject  bool
	Slow    time.Duration // how long a handler takes
	FailAt  int           // which batch fails; zero means none
	Cancel  time.Duration // when the context of Start ends; zero means never
	Patient bool          // Close waits as long as it takes
	Steps   [][]step      // of each goroutine
}

func ms(lo, hi int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(lo, hi), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
}

func drawConfig(t *rapid.T) accumulator.Config {
	cfg := accumulator.Config{
		MaxItems:   rapid.IntRange(0, 5).Draw(t, "MaxItems"),
		MaxWeight:  rapid.SampledFrom([]int{0, 0, 4, 9}).Draw(t, "MaxWeight"),
		MaxWait:    ms(0, 20).Draw(t, "MaxWait"),
		MaxIdle:    rapid.SampledFrom([]time.Duration{0, 0, 3 * time.Millisecond}).Draw(t, "MaxIdle"),
		MaxKeys:    rapid.IntRange(1, 3).Draw(t, "MaxKeys"),
		WaitForKey: rapid.Bool().Draw(t, "WaitForKey"),
		MaxPending: rapid.IntRange(1, 3).Draw(t, "MaxPending"),
		Workers:    rapid.IntRange(1, 3).Draw(t, "Workers"),
	}
	if cfg.Validate() != nil {
		cfg.MaxWait = time.Millisecond
	}
	return cfg
}

func drawSteps(t *rapid.T, producer int) []step {
	seq := 0
	draw := rapid.Custom(func(t *rapid.T) step {
		s := step{
			Do:  rapid.SampledFrom([]string{"add", "add", "many", "handle", "handle", "flush", "sleep"}).Draw(t, "do"),
			For: ms(0, 30).Draw(t, "for"),
		}
		most := 1
		switch s.Do {
		case "many":
			most = 40
		case "flush", "sleep":
			most = 0
		}
		for range rapid.IntRange(min(1, most), most).Draw(t, "parcels") {
			s.Parcels = append(s.Parcels, parcel{
				Producer: producer,
				Handle:   s.Do == "handle",
				Key:      rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "key"),
				Weight:   rapid.IntRange(-1, 12).Draw(t, "weight"),
			})
		}
		return s
	})
	steps := rapid.SliceOfN(draw, 0, 12).Draw(t, "steps")
	for _, s := range steps {
		for i := range s.Parcels {
			s.Parcels[i].N = seq
			seq++
		}
	}
	return steps
}

func drawSchedule(t *rapid.T) schedule {
	s := schedule{
		Config:  drawConfig(t),
		Keyed:   rapid.Bool().Draw(t, "keyed"),
		Reject:  rapid.Bool().Draw(t, "reject"),
		Slow:    rapid.SampledFrom([]time.Duration{0, 0, time.Millisecond, 10 * time.Millisecond}).Draw(t, "slow"),
		FailAt:  rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(t, "failAt"),
		Cancel:  rapid.SampledFrom([]time.Duration{0, 0, 0, 20 * time.Millisecond}).Draw(t, "cancel"),
		Patient: rapid.Bool().Draw(t, "patient"),
	}
	s.Weighed = s.Config.MaxWeight > 0 || rapid.Bool().Draw(t, "weighed")
	if rapid.Bool().Draw(t, "plain") { // or the quick ways would hardly be taken
		s.Keyed, s.Weighed = false, false
		s.Config.MaxWeight, s.Config.MaxIdle, s.Config.WaitForKey = 0, 0, false
		s.Config.MaxItems = max(1, s.Config.MaxItems)
	}
	for p := range rapid.IntRange(1, 4).Draw(t, "producers") {
		s.Steps = append(s.Steps, drawSteps(t, p))
	}
	return s
}

// outcome is what became of the items of a schedule.
type outcome struct {
	mu          sync.Mutex
	taken       map[parcel]time.Time // when
	rejected    []parcel
	delivered   []accumulator.Batch[parcel]
	undelivered []accumulator.Batch[parcel]
	stats       accumulator.Stats
	calls       int
	errs        []error
}

func (o *outcome) complain(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.errs = append(o.errs, fmt.Errorf(format, args...))
}

func (o *outcome) took(vs ...parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, v := range vs {
		o.taken[v] = time.Now()
	}
}

func (s schedule) stage(o *outcome) accumulator.Stage[parcel] {
	stage := accumulator.New[parcel](s.Config)
	if s.Keyed {
		stage = accumulator.By(func(v parcel) string { return v.Key }, s.Config)
	}
	if s.Weighed {
		stage = stage.WeighBy(func(v parcel) int { return v.Weight })
	}
	if s.Reject {
		stage = stage.Reject(func(v parcel, _ error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.rejected = append(o.rejected, v)
		})
	}
	return stage
}

func (s schedule) handler(o *outcome) func(context.Context, accumulator.Batch[parcel]) error {
	return func(_ context.Context, b accumulator.Batch[parcel]) error {
		time.Sleep(s.Slow)
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.calls++; o.calls == s.FailAt {
			return errBoom
		}
		o.delivered = append(o.delivered, b)
		return nil
	}
}

// play runs the schedule in a synctest bubble.
func (s schedule) play(t *testing.T) *outcome {
	t.Helper()
	o := &outcome{taken: map[parcel]time.Time{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if s.Cancel > 0 {
		time.AfterFunc(s.Cancel, cancel)
	}
	acc, err := s.stage(o).Start(ctx, s.handler(o))
	if err != nil {
		o.complain("Start: %w", err)
		return o
	}
	var wg sync.WaitGroup
	for _, steps := range s.Steps {
		wg.Go(func() {
			p := acc.Producer()
			for _, step := range steps {
				if n := acc.Stats().Open; s.Keyed && n > s.Config.MaxKeys {
					o.complain("%d keys are open", n)
				}
				o.take(t, acc, p, step)
			}
		})
	}
	if s.Patient {
		wg.Wait()
	} else {
		time.Sleep(25 * time.Millisecond) // so that Close comes in the middle
	}
	closing, stop := context.WithTimeout(t.Context(), 15*time.Millisecond)
	if s.Patient {
		closing = t.Context()
	}
	defer stop()
	o.undelivered, err = acc.Close(closing)
	if err == nil && len(o.undelivered) > 0 {
		o.complain("Close returned %d batches without an error", len(o.undelivered))
	}
	wg.Wait()
	o.stats = acc.Stats()
	return o
}

// take does one step.
func (o *outcome) take(t *testing.T, acc *accumulator.Accumulator[parcel], p *accumulator.Producer[parcel], s step) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.For)
	defer cancel()
	var n int
	var err error
	one := func(add func(context.Context, parcel) error) {
		if err = add(ctx, s.Parcels[0]); err == nil {
			n = 1
		}
	}
	switch s.Do {
	case "add":
		one(acc.Add)
	case "handle":
		one(p.Add)
	case "many":
		n, err = acc.AddMany(ctx, s.Parcels)
	case "flush":
		err = acc.Flush(ctx)
	case "sleep":
		time.Sleep(s.For)
	}
	o.took(s.Parcels[:n]...)
	if n < len(s.Parcels) && err == nil {
		o.complain("%s took %d of %d items without an error", s.Do, n, len(s.Parcels))
	}
	known := []error{accumulator.ErrClosed, context.DeadlineExceeded, context.Canceled, errBoom}
	if err != nil && !slices.ContainsFunc(known, func(want error) bool { return errors.Is(err, want) }) {
		o.complain("%s: unexpected error: %w", s.Do, err)
	}
}

// check compares the outcome with what was promised.
func (s schedule) check(o *outcome) error {
	errs := slices.Clone(o.errs)
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	left := maps.Clone(o.taken)
	account := func(where string, v parcel) {
		if _, ok := left[v]; !ok {
			fault("%s: %+v was not taken, or is here twice", where, v)
		}
		delete(left, v)
	}
	for _, v := range o.rejected {
		account("rejected", v)
	}
	all := slices.Concat(o.delivered, o.undelivered)
	items := 0
	for _, b := range all {
		items += len(b.Items)
		for _, v := range b.Items {
			account("batch", v)
		}
		if err := errors.Join(s.checkBatch(b), s.checkAge(b, o.taken)); err != nil {
			fault("%+v: %w", b, err)
		}
	}
	for v := range left {
		fault("lost: %+v", v)
	}
	if s.Config.Workers == 1 {
		if err := s.checkOrder(all); err != nil {
			errs = append(errs, err)
		}
	}
	if o.stats.Items != uint64(items) || o.stats.Batches != uint64(len(all)) || o.stats.Open != 0 {
		fault("stats %+v, want %d items in %d batches", o.stats, items, len(all))
	}
	return errors.Join(errs...)
}

func (s schedule) checkBatch(b accumulator.Batch[parcel]) error {
	weight := 0
	for _, v := range b.Items {
		if s.Weighed {
			weight += max(v.Weight, 0)
		}
		if s.Keyed && v.Key != b.Key {
			return fmt.Errorf("%+v has another key", v)
		}
	}
	cfg := s.Config
	full := len(b.Items) == cfg.MaxItems && cfg.MaxItems > 0
	switch {
	case len(b.Items) == 0:
		return errors.New("empty")
	case cfg.MaxItems > 0 && len(b.Items) > cfg.MaxItems:
		return errors.New("over MaxItems")
	case cfg.MaxWeight > 0 && weight > cfg.MaxWeight && (len(b.Items) > 1 || s.Reject):
		return errors.New("over MaxWeight")
	case weight != b.Weight:
		return fmt.Errorf("weighs %d", weight)
	case full != (b.Reason == accumulator.ReasonSize):
		return errors.New("wrong reason: size")
	case b.Reason == accumulator.ReasonAge && (cfg.MaxWait == 0 || b.Age() < cfg.MaxWait):
		return errors.New("wrong reason: age")
	case b.Reason == accumulator.ReasonEvict && !s.Keyed:
		return errors.New("wrong reason: evict")
	}
	return nil
}

// checkAge checks that the oldest item of a batch waited as long as the batch
// says, and not too long, if nothing made it wait before it was taken. What a
// handle held for two batches is all as old as its first item.
func (s schedule) checkAge(b accumulator.Batch[parcel], taken map[parcel]time.Time) error {
	if s.Slow > 0 || s.FailAt > 0 || s.Cancel > 0 || s.Config.WaitForKey {
		return nil
	}
	oldest, exact := b.Closed, true
	for _, v := range b.Items {
		exact = exact && !v.Handle
		if taken[v].Before(oldest) {
			oldest = taken[v]
		}
	}
	switch wait := b.Closed.Sub(oldest); {
	case wait > b.Age() || wait < b.Age() && exact:
		return fmt.Errorf("open for %v, and its oldest item waited for %v", b.Age(), wait)
	case s.Config.MaxWait > 0 && b.Age() > s.Config.MaxWait:
		return errors.New("open for too long")
	}
	return nil
}

// checkOrder looks at the items of one producer and one key.
func (s schedule) checkOrder(all []accumulator.Batch[parcel]) error {
	last := map[string]int{}
	for _, b := range all {
		for _, v := range b.Items {
			lane := fmt.Sprint(v.Producer, v.Handle, b.Key)
			if n, ok := last[lane]; ok && v.N < n {
				return fmt.Errorf("producer %d, key %q: item %d came after %d", v.Producer, b.Key, v.N, n)
			}
			last[lane] = v.N
		}
	}
	return nil
}

// TestRandomSchedules plays random schedules of all the calls, with handlers
// that are slow or fail, and contexts that end at any point, and checks that
// every item that was taken came out once, in order and within the limits.
func TestRandomSchedules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSchedule(rt)
		var o *outcome
		synctest.Test(t, func(t *testing.T) { o = s.play(t) })
		if err := s.check(o); err != nil {
			rt.Fatal(err)
		}
	})
}
