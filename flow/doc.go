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
// A stream is a plain channel of slices. A hop between two stages then costs a few nanoseconds an item when the stream is
// fast, and a slow stream still moves one item at a time: a source sends what it has whenever the next stage is ready,
// without timers, so no item lingers when the input goes quiet. [FromChan] and [Chan] convert from and to a channel of
// single items. Every channel has one reader.
//
// # Stages
//
// Most programs need no stage of their own: [Map], [Filter], [FlatMap] and [Each] take a function. A [Stage] of your own is
// a type with a Run method; its comment has the rules.
//
// # Two ways to stop
//
// At the end of the input every stage delivers what it holds, and [Pipeline.Wait] returns nil. When the context is
// cancelled or a stage fails, every stage returns promptly and what is in flight is dropped; with [WithDrain] a cancelled
// pipeline first gets some time to deliver it. Wait says why, and which stage. A panic in a function of yours is not
// recovered.
package flow
