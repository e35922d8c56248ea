package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLog(n int) *inMemory {
	c := &inMemory{committed: map[int]int64{}}
	for i := range n {
		c.left = append(c.left, message{Partition: i % 2, Offset: int64(i / 2), Value: fmt.Sprint("value ", i)})
	}
	return c
}

// both returns the positions of a process that has both partitions.
func both() *offsets {
	o := new(offsets)
	o.assign(0, 1)
	return o
}

// Whenever the program ends, no message that is committed was not delivered.
func TestNoMessageIsCommittedBeforeItIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newLog(2000)
		var mu sync.Mutex
		delivered := map[string]bool{}
		check := func() {
			t.Helper()
			c.mu.Lock()
			committed := maps.Clone(c.committed)
			c.mu.Unlock()
			for partition, offset := range committed {
				for at := range offset {
					if !delivered[fmt.Sprint("value ", at*2+int64(partition))] {
						t.Fatalf("offset %d of %d is committed, and %d is not delivered", offset, partition, at)
					}
				}
			}
		}
		write := func(_ context.Context, ms []message) ([]error, error) {
			time.Sleep(time.Duration(rand.N(1000)) * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			check()
			errs := make([]error, len(ms))
			for i, m := range ms {
				switch rand.N(20) {
				case 0:
					errs[i] = retry.Mark(errors.New("busy"), retry.Retryable)
				case 1:
					errs[i] = errors.New("bad")
				default:
					delivered[m.Value] = true
				}
			}
			return errs, nil
		}
		dead := func(r retry.Row[message]) error {
			mu.Lock()
			defer mu.Unlock()
			delivered[r.Item.Value] = true
			return nil
		}
		if err := run(t.Context(), c, both(), write, dead); err != nil {
			t.Fatal(err)
		}
		if len(delivered) != 2000 || c.committed[0] != 1000 || c.committed[1] != 1000 {
			t.Errorf("%d delivered, committed %v", len(delivered), c.committed)
		}
	})
}

// A write that is blocked stops the program, and what is not delivered is not
// committed.
func TestWhatIsNotDeliveredComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newLog(1000)
		full := retry.Mark(errors.New("the disk is full"), retry.Blocked)
		calls := 0
		var mu sync.Mutex
		err := run(t.Context(), c, both(), func(context.Context, []message) ([]error, error) {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls > 2 {
				return nil, full
			}
			return nil, nil
		}, nil)
		if !errors.Is(err, full) || c.committed[0]+c.committed[1] > 200 {
			t.Errorf("%v, committed %v", err, c.committed)
		}
	})
}

// Kafka leaves offsets out: those of a transaction's marks, and of what a
// compaction has removed.
func TestOffsetsMayHaveGaps(t *testing.T) {
	o := both()
	messages := o.read([]message{{Offset: 3}, {Offset: 5}, {Offset: 9}, {Partition: 1, Offset: 4}})
	for _, step := range []struct {
		delivered message
		commit    int64 // 0: nothing more
	}{{messages[1], 0}, {messages[0], 6}, {messages[3], 5}, {messages[2], 10}} {
		if commit := committed(t, o, step.delivered); commit != step.commit {
			t.Errorf("after %v: commit %d", step.delivered, commit)
		}
	}
	for number, p := range o.partitions {
		if len(p.read)+len(p.done) > 0 {
			t.Errorf("partition %d keeps %v", number, p)
		}
	}
}

// committed delivers m and returns the offset that this commits, if any.
func committed(t *testing.T, o *offsets, m message) (offset int64) {
	t.Helper()
	err := o.deliver(m, func(_ int, at int64) error {
		offset = at
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return offset
}

// What is delivered too late for a partition commits nothing, also if the
// partition has come back.
func TestAPartitionThatWasTakenAwayIsNotCommitted(t *testing.T) {
	o := both()
	all := []message{{Offset: 1}, {Offset: 2}, {Offset: 3}, {Partition: 1, Offset: 1}}
	first := o.read(all)
	if at := committed(t, o, first[0]); at != 2 {
		t.Errorf("commits %d", at)
	}
	o.revoke(0)
	if left := o.read(all); len(left) != 1 || left[0].Partition != 1 {
		t.Errorf("reads %v of a partition that is taken away", left)
	}
	if at := committed(t, o, first[1]); at != 0 {
		t.Errorf("commits %d of a partition that is taken away", at)
	}
	if at := committed(t, o, first[3]); at != 2 {
		t.Errorf("commits %d of the other", at)
	}
	o.assign(0)
	second := o.read(all[1:3])
	if at := committed(t, o, first[2]); at != 0 {
		t.Errorf("commits %d for a message that was read before", at)
	}
	if at := committed(t, o, second[0]); at != 3 {
		t.Errorf("commits %d", at)
	}
}

// rebalanced is a log whose second partition comes and goes while messages are
// on their way.
type rebalanced struct {
	*inMemory
	t         *testing.T
	positions *offsets
	all       []message
	ours      bool
	polls     int
	moves     int
}

func (l *rebalanced) Poll(ctx context.Context) ([]message, error) {
	if l.polls++; l.polls%25 == 0 {
		l.move()
	}
	if len(l.left) == 0 && !l.ours { // not the end yet
		l.move()
	}
	time.Sleep(100 * time.Millisecond)
	return l.inMemory.Poll(ctx)
}

func (l *rebalanced) move() {
	l.moves++
	if l.ours {
		l.positions.revoke(1)
	} else {
		l.positions.assign(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ours = !l.ours
	l.left = slices.DeleteFunc(l.left, func(m message) bool { return m.Partition == 1 })
	for _, m := range l.all {
		if l.ours && m.Partition == 1 && m.Offset >= l.committed[1] {
			l.left = append(l.left, m)
		}
	}
	slices.SortStableFunc(l.left, func(a, b message) int { return cmp.Compare(a.Offset, b.Offset) })
}

func (l *rebalanced) Commit(ctx context.Context, partition int, offset int64) error {
	l.mu.Lock()
	if partition == 1 && !l.ours || offset <= l.committed[partition] {
		l.t.Errorf("commits %d of partition %d, after %d; is it ours: %v", offset, partition, l.committed[partition], l.ours)
	}
	l.mu.Unlock()
	return l.inMemory.Commit(ctx, partition, offset)
}

func TestARebalanceLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &rebalanced{inMemory: newLog(2000), t: t, positions: both(), ours: true}
		c.all = slices.Clone(c.left)
		delivered := map[string]bool{}
		var mu sync.Mutex
		err := run(t.Context(), c, c.positions, func(_ context.Context, ms []message) ([]error, error) {
			time.Sleep(time.Duration(rand.N(1000)) * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			for _, m := range ms {
				delivered[m.Value] = true
			}
			return nil, nil
		}, nil)
		if err != nil || len(delivered) != 2000 || c.committed[0] != 1000 || c.committed[1] != 1000 || c.moves < 5 {
			t.Errorf("%v: %d delivered, committed %v after %d rebalances", err, len(delivered), c.committed, c.moves)
		}
	})
}

// endless is a log that ends with the context alone.
type endless struct {
	*inMemory
	stop func()
	read map[int]int64 // by partition, the offset after the last
}

func (l *endless) Poll(ctx context.Context) ([]message, error) {
	if polled, err := l.inMemory.Poll(ctx); len(polled) > 0 || err != nil {
		for _, m := range polled {
			l.read[m.Partition] = m.Offset + 1
		}
		return polled, err
	}
	l.stop()
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestASignalCommitsAllThatWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		c := &endless{newLog(250), stop, map[int]int64{}}
		err := run(ctx, c, both(), func(context.Context, []message) ([]error, error) {
			time.Sleep(time.Second)
			return nil, nil
		}, nil)
		if !errors.Is(err, context.Canceled) || !maps.Equal(c.committed, c.read) || c.read[0] != 125 {
			t.Errorf("%v: read to %v, committed to %v", err, c.read, c.committed)
		}
	})
}
