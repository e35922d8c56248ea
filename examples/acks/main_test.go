package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
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
		c.left = append(c.left, message{i % 2, int64(i / 2), fmt.Sprint("value ", i)})
	}
	return c
}

// Whenever the program ends, no message that is committed was not delivered.
func TestNoMessageIsCommittedBeforeItIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newLog(2000)
		var mu sync.Mutex
		delivered := map[message]bool{}
		check := func() {
			t.Helper()
			c.mu.Lock()
			committed := maps.Clone(c.committed)
			c.mu.Unlock()
			for partition, offset := range committed {
				for at := range offset {
					if !delivered[message{partition, at, fmt.Sprint("value ", at*2+int64(partition))}] {
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
					delivered[m] = true
				}
			}
			return errs, nil
		}
		dead := func(r retry.Row[message]) error {
			mu.Lock()
			defer mu.Unlock()
			delivered[r.Item] = true
			return nil
		}
		if err := run(t.Context(), c, new(offsets), write, dead); err != nil {
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
		err := run(t.Context(), c, new(offsets), func(context.Context, []message) ([]error, error) {
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
	var o offsets
	messages := []message{{Offset: 3}, {Offset: 5}, {Offset: 9}, {Partition: 1, Offset: 4}}
	o.read(messages)
	for _, step := range []struct {
		delivered message
		commit    int64 // 0: nothing more
	}{{messages[1], 0}, {messages[0], 6}, {messages[3], 5}, {messages[2], 10}} {
		commit, grown := o.deliver(step.delivered)
		if commit != step.commit || grown != (step.commit > 0) {
			t.Errorf("after %v: commit %d, %v", step.delivered, commit, grown)
		}
	}
	for number, p := range o.partitions {
		if len(p.read)+len(p.done) > 0 {
			t.Errorf("partition %d keeps %v", number, p)
		}
	}
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
		err := run(ctx, c, new(offsets), func(context.Context, []message) ([]error, error) {
			time.Sleep(time.Second)
			return nil, nil
		}, nil)
		if !errors.Is(err, context.Canceled) || !maps.Equal(c.committed, c.read) || c.read[0] != 125 {
			t.Errorf("%v: read to %v, committed to %v", err, c.read, c.committed)
		}
	})
}
