// Package sink hands batches of rows to a provider and brings back one result
// for each row.
//
// A [Provider] is a thin client of one wire protocol: upload, create, status,
// results. It knows rows of raw JSON, not what they mean. The packages below
// this one hold the clients; package sinktest holds the suite that every client
// passes.
//
// [New] makes a pipeline stage of a provider, for programs that live as long as
// their batches:
//
//	answers := flow.Via(p, batches, sink.New(client, Ticket.Request, sink.Config{}))
//
// A job that must survive a restart uses package flow/durable, which drives the
// same Provider.
//
// # What can be relied on
//
// The stage turns every item into one [Result]. A creation whose answer was lost
// is looked for before it is repeated, so that no batch is paid for twice,
// unless one shows up only after [Config].Grace. A row whose answer was lost by
// the provider, or that failed in a way that may pass, is part of a new batch,
// up to [Config].Attempts; a row that succeeded never is.
package sink
