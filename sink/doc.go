// Package sink hands batches of rows to a provider and brings back one result
// for each row.
//
// A [Provider] is a thin client of one wire protocol: upload, create, status,
// results. It knows rows of raw JSON, not what they mean. The packages below
// this one hold the clients; package sinktest holds the suite that every client
// passes.
//
// [New] makes a pipeline stage of a provider, for programs that live as long as
// their batches. A job that must survive a restart uses package flow/durable,
// which drives the same Provider.
package sink
