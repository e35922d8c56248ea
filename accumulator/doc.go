// Package accumulator collects single items into batches, bounded by count,
// weight and age.
//
// A [Stage] describes the batches: the limits in a [Config], and, where wanted,
// a key ([By]), weights ([Stage.WeighBy]) and what to do with an item that is
// too heavy for any batch ([Stage.Reject]). The same description is used in
// three ways:
//
//   - [Stage.Start] runs an [Accumulator]: any goroutine adds items, and a handler
//     is called with every batch. [Stage.Open] is the same for a loop over the
//     batches.
//   - [Stage.Run] is a stage of a pipeline, from a channel of items to a channel of
//     batches.
//   - [Buffer] is the bare batch, for a loop that brings its own timer.
//
// # What closes a batch
//
// A batch is closed by the first of these, which is its [Reason]:
//
//   - it has MaxItems items: [Size];
//   - it weighs MaxWeight, or the next item would take it over: [Weight];
//   - its first item has waited for MaxWait: [Age]. Later items do not
//     prolong the wait, however slowly they trickle in;
//   - no item has come for MaxIdle: [Idle];
//   - [Accumulator.Flush], or the end of all input: [Flush] and [Close];
//   - MaxKeys keys are open and another one needs the place: [Evict].
//
// A batch is never empty and never over a limit, with one exception: an item that
// alone is heavier than MaxWeight makes a batch of its own, unless Reject says
// otherwise.
//
// # What is promised
//
// Every item that was taken is delivered once, or returned by
// [Accumulator.Close] with the error that kept it from being delivered. A batch
// that is due is closed on time. Items of one goroutine keep their order within
// their key. When batches are not handled fast enough, Add waits, and its context
// can end the wait. An error of a handler stops everything and is reported by all
// calls; a panic is left to crash the program, as it should.
//
// # What it costs
//
// Add takes one lock and copies the item into the batch: 15 to 25 ns for an
// int, without an allocation. It does not look at the clock or at its context;
// clock, timer, statistics and channels are used once per batch. To spend less,
// add many items at once ([Accumulator.AddMany]: a third), give every goroutine a
// handle ([Accumulator.Producer]: two thirds, and no lock to fight for), and give
// the memory of batches back ([Batch.Release]).
// Keys cost a map access per item, MaxIdle a reading of the clock.
package accumulator
