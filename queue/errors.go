package queue

import "errors"

// Errors that callers act on. Match them with [errors.Is].
var (
	// ErrClosed means that the queue was closed. It accepts no more items or,
	// from Pop and PopMany, has none left.
	ErrClosed = errors.New("queue: closed")
	// ErrNotFound means that no item with that id waits in the queue: it never
	// did, or it has left.
	ErrNotFound = errors.New("queue: no such item")
	// ErrDuplicate means that an item with the same id waits already or, in a
	// Durable queue, is not acknowledged yet.
	ErrDuplicate = errors.New("queue: an item with that id waits already")

	errZero = errors.New("queue: a zero Durable has no store: make it with Open or OpenIndexed")
)
