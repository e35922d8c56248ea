package state

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Limits of one Commit. They keep a group of commits inside one Badger
// transaction; split larger changes and make the pieces idempotent.
const (
	MaxKey    = 512     // bytes of one key
	MaxValue  = 4 << 10 // bytes of one value
	MaxOps    = 4096    // writes in one Commit
	MaxCommit = 1 << 20 // bytes of one Commit: keys, values and 13 for each write
)

// Errors that callers act on. Match them with errors.Is.
var (
	// ErrNotFound: no record under that key.
	ErrNotFound = errors.New("state: record not found")
	// ErrConflict: a checked write met a record at another revision. Nothing
	// of that Commit was written.
	ErrConflict = errors.New("state: record is at another revision")
	// ErrTooLarge: a key, a value or a Commit is above its limit. Nothing was
	// written, and trying again is of no use.
	ErrTooLarge = errors.New("state: too large")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("state: store is closed")
	// ErrInUse: another process, or this one, has the directory open.
	ErrInUse = errors.New("state: directory is in use")
	// ErrIndex: Badger cannot open its files, which may be damaged.
	ErrIndex = errors.New("state: open index")
	// ErrDamaged: a record or a file does not hold what was written to it.
	ErrDamaged = errors.New("state: damaged")
)

// Record is one stored value with its key and revision.
type Record struct {
	Key, Value []byte
	Rev        uint64 // 1 for a new record, higher after each write
}

// Store keeps small records in key order. It is safe for concurrent use.
//
// A Commit that returned nil survives the death of the process and, on a
// durable implementation, of the machine.
type Store interface {
	// Get reads one record; ErrNotFound if there is none. O(log n).
	Get(ctx context.Context, key []byte) (Record, error)
	// Commit writes all ops or none. It returns ErrConflict if a checked op
	// did not find the revision it expects. The ops' slices must not change
	// until it returns.
	Commit(ctx context.Context, ops ...Op) error
	// Scan yields a snapshot of the records whose key starts with prefix, in
	// key order, beginning at the first key >= from (nil: at the first one).
	// A yielded record's slices are valid until the next one is asked for.
	Scan(ctx context.Context, prefix, from []byte) iter.Seq2[Record, error]
	// Close waits for commits under way and releases the store.
	Close() error
}

// Op is one write of a Commit. Make it with Insert, Replace or Put.
type Op struct {
	key, value []byte
	rev        uint64
	checked    bool
}

// Insert writes a record that must not exist yet, at revision 1.
func Insert(key, value []byte) Op { return Op{key: key, value: value, rev: 1, checked: true} }

// Replace writes over a record that must be at revision rev, which becomes
// rev+1.
func Replace(key, value []byte, rev uint64) Op {
	return Op{key: key, value: value, rev: rev + 1, checked: true}
}

// Put writes a record at revision rev without reading the old one, which saves
// a read. Only for keys with a single writer that knows the revision it wrote
// last.
func Put(key, value []byte, rev uint64) Op { return Op{key: key, value: value, rev: rev} }

// Key is the key that the op writes.
func (o Op) Key() []byte { return o.key }

// Value is the value that the op writes.
func (o Op) Value() []byte { return o.value }

// Rev is the revision that the record has once the op is committed.
func (o Op) Rev() uint64 { return o.rev }

// Admits reports whether the op may be written over a record at revision
// current, 0 meaning that there is none. For implementers of Store.
func (o Op) Admits(current uint64) bool { return !o.checked || o.rev == current+1 }

// Checked reports whether Admits depends on the current revision, so that an
// implementation can skip the read if not.
func (o Op) Checked() bool { return o.checked }

// Validate reports an op or a number of ops outside the limits. An
// implementation calls it before it touches its engine; the error never shows
// the value, which may hold a user's data.
func Validate(ops []Op) error {
	if len(ops) > MaxOps {
		return tooLarge("commit of %d writes", len(ops), MaxOps)
	}
	for i := range ops {
		if err := ops[i].validate(); err != nil {
			return err
		}
	}
	if n := size(ops); n > MaxCommit {
		return tooLarge("commit of %d bytes", n, MaxCommit)
	}
	return nil
}

func (o *Op) validate() error {
	switch {
	case len(o.key) == 0:
		return errors.New("state: empty key")
	case len(o.key) > MaxKey:
		return tooLarge("key of %d bytes", len(o.key), MaxKey)
	case len(o.value) > MaxValue:
		return tooLarge("value of %d bytes", len(o.value), MaxValue)
	case o.rev == 0:
		return errors.New("state: revisions begin at 1")
	}
	return nil
}

func tooLarge(what string, n, limit int) error {
	return fmt.Errorf("%w: "+what+", at most %d", ErrTooLarge, n, limit)
}

func size(ops []Op) (n int) {
	for i := range ops {
		n += len(ops[i].key) + len(ops[i].value) + envelopeOverhead
	}
	return n
}
