// Package gostreams lets the stages of package flow and the operators and
// connectors of github.com/reugn/go-streams work together, both ways:
//
//   - [NewFlow] makes a stage, or a chain of stages, a streams.Flow;
//   - [NewSink] makes the end of a pipeline a streams.Sink whose
//     AwaitCompletion means delivered;
//   - [From] reads any go-streams Source or Flow into a pipeline;
//   - [Stage] puts a streams.Flow into a pipeline;
//   - [To] ends a pipeline in a streams.Sink.
//
// go-streams carries untyped items and has neither a context nor errors. So
// these adapters check types and report a [*TypeError] instead of panicking, to
// Err or to Pipeline.Wait. A go-streams operator that nobody reads blocks for
// ever. So after an error an adapter reads its input until it is closed, and
// drops the items.
package gostreams
