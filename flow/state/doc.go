// Package state keeps what a job must remember across a crash: the items that
// it has seen, the batches that it has bought, and how far it has read and
// delivered.
//
// [Open] opens a state directory on the local disk and holds it for one
// process. Inside, Badger keeps small records; bulk data (requests and
// results) belongs in files below [Dir.Root], so that records stay small and
// files can simply be unlinked. Badger takes some damage of its files for their
// end and crashes on other damage, so Open reads the whole index before Badger
// opens it. [Renew] gives a directory a new index.
//
// The [Store] interface is what a job needs of a backend: read one record,
// commit several at once, scan in key order. It is small on purpose, and every
// implementation passes the suite in package statetest, so that another
// backend can take Badger's place. [NewMemory] is one for tests.
//
// Other packages keep their records in any Store: [NewQueue] serves package
// queue, [NewCapacity] package ratelimit, [NewDedup] package flow/dedup and
// [NewAssignments] package flow/router. One Store serves all of them, and jobs,
// at the same time. None of them imports its package or is imported by it.
// Nothing is deleted, so the comment of each type says how much space it takes
// for ever.
//
// Records only move forward. Every record carries a revision that grows with
// each write, and deleting a key never means anything. So if a damaged or
// recovered database brings an old version back, its revision shows that it is
// old.
package state
