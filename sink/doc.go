// Package sink submits batches of rows to a provider and returns one result for
// each row.
//
// A [Provider] is a thin client of one wire protocol: upload, create, status,
// results. It knows rows of raw JSON, not what they mean. The packages below
// this one hold the clients; package sinktest holds the suite that every client
// passes.
//
// [New] makes a pipeline stage of a provider, for programs that live as long as
// their batches:
//
//	batches := flow.Via(p, tickets, accumulator.New[Ticket](accumulator.Config{MaxItems: 500, MaxWait: time.Minute}))
//	answers := flow.Via(p, batches, sink.New(client, Ticket.Request, sink.Config{}))
//	flow.To(p, answers, save)
//
// [FromSlices] makes one whose batches are plain slices. A job that must
// survive a restart uses package flow/durable, which drives the same Provider
// by the same protocol.
//
// # What can be relied on
//
// The stage turns every item into one [Result]. If the answer to a creation was
// lost, the stage looks for the batch before it creates another. So no batch is
// paid for twice, unless one becomes visible only after [Config].Grace. At a
// provider that keeps no tags, the rows of a batch say whose it is once it has
// ended. A row is retried in a new batch, up to [Config].Attempts, if the
// provider lost its answer or if its failure is temporary. A row that succeeded
// is never retried. A batch that the provider finds too large is halved.
package sink
