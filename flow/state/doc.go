// Package state keeps what a job must remember across a crash: which items
// it has seen, which batches it has bought, how far it has read and delivered.
//
// [Open] opens a state directory on the local disk and holds it for one
// process. Inside, Badger keeps small records; bulk data (requests and
// results) belongs in files below [Dir.Root], so that records stay small and
// files can simply be unlinked. Badger takes some damage of its files for their
// end and dies of some other, so that all of the index is read before it is
// opened; [Renew] gives a directory a new one.
//
// The [Store] interface is what a job needs of a backend: read one record,
// commit several at once, scan in key order. It is small on purpose, and every
// implementation passes the suite in package statetest, so that another
// backend can take Badger's place. [NewMemory] is one for tests.
//
// On any Store stand what other packages remember: [NewQueue] for package queue,
// [NewCapacity] for package ratelimit, [NewDedup] and [NewAssignments] for
// package flow. One Store serves all of them, and jobs, at the same time. None
// imports its package or is imported by it, and each type says what it takes
// for ever, as nothing is deleted.
//
// Records only move forward. Every record carries a revision that grows with
// each write, and nothing is expressed by deleting a key: an old version that
// a damaged or recovered database brings back is recognisable as old.
package state
