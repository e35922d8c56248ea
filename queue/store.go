package queue

import "context"

// Store is the part of an ordered key-value store that a [Durable] queue needs.
// It mentions only built-in types, so an implementation need not import this
// package. It must be safe for concurrent use, and
// must not call the queue.
type Store interface {
	// Commit makes all changes or none, and returns nil only if they survive a
	// crash. It sets each key to its value. A nil value means that the key is
	// done: the store may delete it, or keep it as long as Scan does not yield
	// it. No key is written again after it is done. The slices belong to the
	// caller again when Commit returns. A commit is at most 2048 pairs and 512
	// KiB with 16 bytes for each pair, except for an item that is larger by
	// itself.
	Commit(ctx context.Context, keys, values [][]byte) error
	// Scan calls yield for each pair whose key begins with prefix and is not
	// before from, in the order of the keys, until yield returns false. The
	// slices need only be valid during the call. from begins with prefix.
	Scan(ctx context.Context, prefix, from []byte, yield func(key, value []byte) bool) error
}
