// Package gostreams lets the stages of package flow and the operators and connectors of github.com/reugn/go-streams work
// together, both ways:
//
//   - [NewFlow] makes a stage, or a chain of stages, a streams.Flow;
//   - [NewSink] makes the end of a pipeline a streams.Sink whose AwaitCompletion means delivered;
//   - [From] reads any go-streams Source or Flow into a pipeline;
//   - [Stage] puts a streams.Flow into a pipeline;
//   - [To] ends a pipeline in a streams.Sink.
//
// go-streams carries untyped items, has no context and no errors. So these adapters check types and report a
// [*TypeError] instead of panicking, and what they turn into goes to Err or to Pipeline.Wait. After an error an adapter
// reads on until its input is closed and drops what it reads: a go-streams operator that nobody reads blocks for ever.
package gostreams
