// Acks reads messages of a log with partitions, as Kafka has them, writes them
// in batches, and commits the offset of a partition only when all messages up
// to it are delivered. So a crash loses none; it repeats those that were not
// committed. Partitions may be given and taken away at any time. The log is in
// this process.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
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

	claim *partition // under which it was read
}

// offsets knows what may be committed: messages are delivered in any order, and
// an offset stands for all before it. The offsets of a partition may have gaps,
// as they have after a compaction or a transaction.
type offsets struct {
	mu         sync.Mutex
	partitions map[int]*partition // that are ours
}

// partition is one that is ours. If it is taken away and given again, that is
// another one, which knows nothing of what is on its way for the first.
type partition struct {
	read []int64            // on their way, in order
	done map[int64]struct{} // of them, those that are delivered
}

// assign begins partitions that are given to this process, before they are
// read.
func (o *offsets) assign(numbers ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.partitions == nil {
		o.partitions = map[int]*partition{}
	}
	for _, number := range numbers {
		o.partitions[number] = &partition{done: map[int64]struct{}{}}
	}
}

// revoke ends partitions that are taken away. When it returns, what was
// delivered of them in order is committed, and nothing else will be: their next
// owner reads the rest again, also what is on its way here.
func (o *offsets) revoke(numbers ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, number := range numbers {
		delete(o.partitions, number)
	}
}

// read notes that messages are on their way. It returns them without those of
// partitions that were taken away meanwhile.
func (o *offsets) read(messages []message) []message {
	o.mu.Lock()
	defer o.mu.Unlock()
	ours := make([]message, 0, len(messages))
	for _, m := range messages {
		if p := o.partitions[m.Partition]; p != nil {
			p.read = append(p.read, m.Offset)
			m.claim = p
			ours = append(ours, m)
		}
	}
	return ours
}

// deliver notes a delivery. If it completes a beginning, deliver commits the
// offset after that. It does so under the lock, so that revoke waits for it.
func (o *offsets) deliver(m message, commit func(partition int, offset int64) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.partitions[m.Partition]
	if p == nil || p != m.claim {
		return nil // it was taken away
	}
	p.done[m.Offset] = struct{}{}
	grown := false
	var last int64
	for len(p.read) > 0 {
		first := p.read[0]
		if _, ok := p.done[first]; !ok {
			break
		}
		delete(p.done, first)
		p.read = p.read[1:]
		last, grown = first, true
	}
	if !grown {
		return nil
	}
	return commit(m.Partition, last+1)
}

// consumer is the part of a Kafka client that is used. Poll returns nothing at
// the end. Commit is called for nearly every message: a client that notes the
// offset, and sends it from time to time, suits it. Its callbacks for partitions
// call assign and revoke, and the latter then sends what is noted: with franz-go
// these are MarkCommitOffsets, and CommitMarkedOffsets in OnPartitionsRevoked.
type consumer interface {
	Poll(ctx context.Context) ([]message, error)
	Commit(ctx context.Context, partition int, offset int64) error
}

// run writes the messages of c until its end, or until ctx is done: then it
// reads no more, and writes and commits what it has read.
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
			if err := flow.Send(ctx, out, positions.read(polled)); err != nil {
				return err
			}
		}
	})
	batches := flow.Via(p, messages, accumulator.New[message](accumulator.Config{MaxItems: 100, MaxWait: time.Second}))
	written := flow.Via(p, batches, flow.Parallel(call.Batches(server, write, dead), flow.Concurrency{Workers: 4, Unordered: true}))
	// A row comes out when it is written, or when the dead letters have it:
	// both are delivered.
	flow.To(p, written, func(ctx context.Context, row retry.Row[message]) error {
		return positions.deliver(row.Item, func(partition int, offset int64) error {
			return c.Commit(ctx, partition, offset)
		})
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
		c.left = append(c.left, message{Partition: i % 2, Offset: int64(i / 2), Value: fmt.Sprint("value ", i)})
	}
	positions := new(offsets)
	positions.assign(0, 1)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	write := func(context.Context, []message) ([]error, error) { return nil, nil }
	err := run(ctx, c, positions, write, nil)
	if ctx.Err() != nil {
		err = nil // what is not committed comes again
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("committed:", c.committed)
}
