// Acks reads messages of a log with partitions, as Kafka has them, writes them
// in batches, and commits the offset of a partition only when all messages up
// to it are delivered. So a crash loses none; it repeats those that were not
// committed. The log is in this process.
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
}

// offsets knows what may be committed: messages are delivered in any order, and
// an offset stands for all before it. The offsets of a partition may have gaps,
// as they have after a compaction or a transaction.
type offsets struct {
	mu         sync.Mutex
	partitions map[int]*partition
}

type partition struct {
	read []int64            // on their way, in order
	done map[int64]struct{} // of them, those that are delivered
}

// read notes that messages are on their way.
func (o *offsets) read(messages []message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.partitions == nil {
		o.partitions = map[int]*partition{}
	}
	for _, m := range messages {
		p := o.partitions[m.Partition]
		if p == nil {
			p = &partition{done: map[int64]struct{}{}}
			o.partitions[m.Partition] = p
		}
		p.read = append(p.read, m.Offset)
	}
}

// deliver notes a delivery. It returns the offset to commit, which is the one
// after the last that needs not be read again, and whether it has grown.
func (o *offsets) deliver(m message) (commit int64, grown bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.partitions[m.Partition]
	p.done[m.Offset] = struct{}{}
	for len(p.read) > 0 {
		first := p.read[0]
		if _, ok := p.done[first]; !ok {
			break
		}
		delete(p.done, first)
		p.read = p.read[1:]
		commit, grown = first+1, true
	}
	return commit, grown
}

// consumer is the part of a Kafka client that is used. Poll returns nothing at
// the end. Commit is called for nearly every message: a client that notes the
// offset, and sends it from time to time, suits it.
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
			positions.read(polled)
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	write := func(context.Context, []message) ([]error, error) { return nil, nil }
	err := run(ctx, c, new(offsets), write, nil)
	if ctx.Err() != nil {
		err = nil // what is not committed comes again
	}
	stop()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("committed:", c.committed)
}
