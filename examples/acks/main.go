// Acks reads messages of a log with partitions, as Kafka has them, writes them
// in batches, and commits the offset of a partition only when all messages up
// to it are delivered. So a crash loses none; it repeats those that were not
// committed. The log is in this process.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/call"
	"github.com/balerhq/baler/retry"
)

type message struct {
	Partition int
	Offset    int64
	Value     string
}

// offsets knows what may be committed: messages are delivered in any order, and
// an offset stands for all before it.
type offsets struct {
	mu   sync.Mutex
	next map[int]int64              // by partition, the first that is not delivered
	done map[int]map[int64]struct{} // delivered, and one before it is not
}

// begin notes where the reading of a partition begins.
func (o *offsets) begin(partition int, offset int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.next == nil {
		o.next, o.done = map[int]int64{}, map[int]map[int64]struct{}{}
	}
	o.next[partition], o.done[partition] = offset, map[int64]struct{}{}
}

// deliver notes a delivery. It returns the offset to commit, which is that of
// the message to read next, and whether it has grown.
func (o *offsets) deliver(m message) (commit int64, grown bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	done := o.done[m.Partition]
	done[m.Offset] = struct{}{}
	next := o.next[m.Partition]
	for ; ; next++ {
		if _, ok := done[next]; !ok {
			break
		}
		delete(done, next)
	}
	grown = next > o.next[m.Partition]
	o.next[m.Partition] = next
	return next, grown
}

// consumer is the part of a Kafka client that is used. Poll returns nothing at
// the end.
type consumer interface {
	Poll(ctx context.Context) ([]message, error)
	Commit(ctx context.Context, partition int, offset int64) error
}

// run writes the messages of c until its end, or until ctx is done.
func run(ctx context.Context, c consumer, positions *offsets, write func(context.Context, []message) ([]error, error), dead func(retry.Row[message]) error) error {
	server, err := call.New(call.Config{Repeat: true})
	if err != nil {
		return err
	}
	p := flow.New(ctx, flow.WithDrain(10*time.Second))
	messages := flow.FromFunc(p, func(ctx context.Context, out chan<- []message) error {
		for {
			polled, err := c.Poll(ctx)
			if err != nil || len(polled) == 0 {
				return err
			}
			if err := flow.Send(ctx, out, polled); err != nil {
				return err
			}
		}
	})
	batches := flow.Via(p, messages, accumulator.New[message](accumulator.Config{MaxItems: 100, MaxWait: time.Second}))
	written := flow.Via(p, batches, flow.Parallel(call.Batches(server, write, dead), flow.Concurrency{Workers: 4, Unordered: true}))
	// A row comes out when it is written, or when the dead letters have it:
	// both are delivered.
	flow.To(p, written, func(ctx context.Context, row retry.Row[message]) error {
		if commit, grown := positions.deliver(row.Item); grown {
			return c.Commit(ctx, row.Item.Partition, commit)
		}
		return nil
	})
	return p.Wait()
}

// inMemory is a log of two partitions.
type inMemory struct {
	mu        sync.Mutex
	left      []message
	committed map[int]int64
}

func (l *inMemory) Poll(context.Context) ([]message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(10, len(l.left))
	polled := l.left[:n:n]
	l.left = l.left[n:]
	return polled, nil
}

func (l *inMemory) Commit(_ context.Context, partition int, offset int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.committed[partition] = offset
	return nil
}

func main() {
	c := &inMemory{committed: map[int]int64{}}
	for i := range 1000 {
		c.left = append(c.left, message{i % 2, int64(i / 2), fmt.Sprint("value ", i)})
	}
	var positions offsets
	positions.begin(0, 0)
	positions.begin(1, 0)
	write := func(context.Context, []message) ([]error, error) { return nil, nil }
	if err := run(context.Background(), c, &positions, write, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println("committed:", c.committed)
}
