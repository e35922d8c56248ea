package main

import (
	"fmt"
	"sync"
	"time"
)

const (
	batchSize = 100
	timeout   = time.Second
	buffer    = 128 // of every channel that a contestant reads from
	pattern   = 1024
)

// job is what every contestant must do: take n items from some producers,
// deliver them in batches of at most batchSize, and count and sum them there.
type job[T any] struct {
	n         int
	producers int
	items     []T // repeated as often as needed; there are pattern of them
	sum       func([]T) int
	work      func(int) int // done by the consumer per batch of so many; may be nil

	got tally
}

type tally struct{ count, sum, largest, idle int }

// take is called by the consumer for each batch.
func (j *job[T]) take(batch []T) {
	j.got.count += len(batch)
	j.got.sum += j.sum(batch)
	j.got.largest = max(j.got.largest, len(batch))
	if j.work != nil {
		j.got.idle += j.work(len(batch))
	}
}

// item returns the item of number i. Every contestant has its own loop around
// it: a function called per item would be a large part of what is measured.
func (j *job[T]) item(i int) T { return j.items[i&(pattern-1)] }

// share divides the items between the producers and waits for them.
func (j *job[T]) share(produce func(from, to int)) {
	if j.producers == 1 {
		produce(0, j.n)
		return
	}
	var wg sync.WaitGroup
	for p := range j.producers {
		wg.Go(func() { produce(j.n*p/j.producers, j.n*(p+1)/j.producers) })
	}
	wg.Wait()
}

// check says what is wrong with the result, if anything.
func (j *job[T]) check() error {
	full, rest := j.n/len(j.items), j.n%len(j.items)
	want := full*j.sum(j.items) + j.sum(j.items[:rest])
	if j.got.count != j.n || j.got.sum != want || j.got.largest > batchSize {
		return fmt.Errorf("%d items with sum %d, largest batch %d; want %d with sum %d, at most %d",
			j.got.count, j.got.sum, j.got.largest, j.n, want, batchSize)
	}
	return nil
}

// wide is an item of 128 bytes.
type wide struct {
	n int
	_ [15]int
}

func ints(producers int) job[int] {
	items := make([]int, pattern)
	for i := range items {
		items[i] = i
	}
	return job[int]{producers: producers, items: items, sum: func(vs []int) int {
		sum := 0
		for _, v := range vs {
			sum += v
		}
		return sum
	}}
}

func wides(producers int) job[wide] {
	items := make([]wide, pattern)
	for i := range items {
		items[i].n = i
	}
	return job[wide]{producers: producers, items: items, sum: func(vs []wide) int {
		sum := 0
		for i := range vs {
			sum += vs[i].n
		}
		return sum
	}}
}
