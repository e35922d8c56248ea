// Package flow connects stages into a pipeline that reads from top to bottom:
//
//	p := flow.New(ctx)
//	lines := flow.FromSeq2(p, source)
//	orders := flow.Via(p, lines, flow.Map(parse))
//	valid := flow.Via(p, orders, flow.Filter(Order.Valid))
//	batches := flow.Via(p, valid, accumulator)
//	flow.To(p, batches, insert)
//	err := p.Wait()
//
// # Streams
//
// A stream is a plain channel of slices. A hop between two stages then costs a
// few nanoseconds an item when the stream is fast. A slow stream still moves
// one item at a time: a source sends what it has whenever the next stage is
// ready, without timers, so no item lingers when the input goes quiet.
// [FromChan] and [Chan] convert from and to a channel of single items. Every
// channel has one reader.
//
// # Stages
//
// Most programs need no stage of their own: [Map], [Filter], [FlatMap] and
// [Each] take a function. A [Stage] of your own is a type with a Run method;
// its comment has the rules.
//
// A function that follows a source or another function joins its goroutine: an
// item goes from one to the next without a channel between them. [Parallel]
// runs a function on many items at a time, or with one worker in a goroutine of
// its own. [Then] makes one function of two, and [Compose] makes one stage of a
// part of a pipeline. [Tee], [Partition] and [Merge] split and unite streams.
//
// Larger stages have packages of their own. flow/router sends every item to one
// of several routes and fails over to another, or has a route for each key.
// flow/join correlates items by key. flow/dedup passes one item of every key,
// also over restarts, and lets identical requests share one answer. flow/call
// makes calls that are paced, bounded in time and retried.
//
// # What it costs
//
// A stage of its own takes less than ten nanoseconds an item in a fast stream,
// a fused one about half of that, and a source some thirty; see
// bench/README.md. A slow stream pays for waking a goroutine at every stage
// that is not fused. At most nine slices of 128 items are in flight after a
// source, and six between two goroutines. Every function and stage copies items
// as values, so let large ones travel as pointers. The memory of slices is
// reused where possible (see [Borrower]). Until it is filled again, it keeps
// alive what its last items point to.
//
// # Looking inside
//
// [Pipeline.Graph] draws the pipeline as Mermaid or DOT. With [WithStats],
// [Pipeline.Stats] counts the items of each stage and the time of its
// functions, and shows the stage that holds up the others. [WithMiddleware]
// wraps every stage; package telemetry makes spans, metrics and logs of both.
// With either, every function has a goroutine of its own.
//
// # Two ways to stop
//
// At the end of the input every stage delivers what it holds, and
// [Pipeline.Wait] returns nil. When the context is cancelled or a stage fails,
// every stage returns promptly, and the items in flight are dropped. With
// [WithDrain] a cancelled pipeline first gets some time to deliver them. Wait
// returns the reason and names the stage. A panic in a function of yours is not
// recovered.
package flow
