package state

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// Badger is a Store on the local disk. A Commit that returned nil survives
// power failure.
type Badger struct {
	db      *badger.DB
	lock    *os.File
	commits chan *commit
	closing chan struct{}
	stopped chan struct{}
	trouble *trouble
	once    sync.Once
	err     error
}

var _ Store = (*Badger)(nil)

// OpenBadger opens or creates a Badger database in dir and locks it for this
// process. All of it is read once, to refuse a damaged one. The directory
// should not be readable by others: Badger makes its files with mode 0644. Most
// callers want Open, which sees to that.
func OpenBadger(dir string, log *slog.Logger) (*Badger, error) {
	return openBadger(dir, log, false)
}

func openBadger(dir string, log *slog.Logger, noCompaction bool) (*Badger, error) {
	locked, err := lock(dir)
	if err != nil {
		return nil, err
	}
	if err := mustBeWritable(dir); err != nil {
		return nil, errors.Join(err, locked.Close())
	}
	t := &trouble{}
	db, err := openDB(dir, badgerLog{log, t}, noCompaction)
	if err != nil {
		return nil, errors.Join(err, locked.Close())
	}
	b := &Badger{
		db:      db,
		lock:    locked,
		commits: make(chan *commit, groupOps),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		trouble: t,
	}
	go b.committer()
	return b, nil
}

// mustBeWritable makes a file and removes it, so that what is wrong with the
// disk is not taken for damage.
func mustBeWritable(dir string) error {
	name := filepath.Join(dir, "writable.tmp")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("state: %s cannot be written: %w", dir, err)
	}
	return errors.Join(f.Close(), os.Remove(name))
}

func openDB(dir string, log badgerLog, noCompaction bool) (*badger.DB, error) {
	if err := removeEmpty(dir, log.log); err != nil {
		return nil, err
	}
	opts := badgerOptions(dir, log)
	if noCompaction {
		opts = opts.WithNumCompactors(0)
	}
	if err := inspect(dir, &opts); err != nil {
		return nil, err
	}
	db, err := badger.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: see %s", ErrIndex, err, doctor(filepath.Dir(dir)))
	}
	return db, nil
}

// badgerOptions is a profile for small records. What costs memory in Badger is
// its memtables and the blocks it decompresses, so the former are small and
// there are none of the latter: tables are read where they are mapped.
func badgerOptions(dir string, log badgerLog) badger.Options {
	return badger.DefaultOptions(dir).
		// Badger's Sync skips logs that await their flush, so each commit
		// syncs.
		WithSyncWrites(true).
		WithMemTableSize(8 << 20).WithNumMemtables(2).WithNumCompactors(2).
		// A compaction builds a dozen tables at once. Of 256 KiB to 2 MiB this
		// took the least memory over some runs of a million items.
		WithBaseTableSize(1 << 20).
		WithCompression(options.None).WithBlockCacheSize(0).WithIndexCacheSize(0).
		WithValueLogFileSize(64 << 20).
		WithBypassLockGuard(ownLock).
		WithChecksumVerificationMode(options.NoVerification). // inspect has
		WithVerifyValueChecksum(true).
		// All writes pass through one goroutine, which checks revisions itself.
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		// What was overwritten takes no room once a job is done.
		WithCompactL0OnClose(true).
		WithMetricsEnabled(false).
		WithLogger(log)
}

// Get implements Store.
func (b *Badger) Get(_ context.Context, key []byte) (Record, error) {
	var r Record
	err := b.db.View(func(txn *badger.Txn) (err error) {
		r, err = get(txn, key)
		return err
	})
	return r, translate(err)
}

func get(txn *badger.Txn, key []byte) (Record, error) {
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return Record{}, ErrNotFound
	}
	if err != nil {
		return Record{}, fmt.Errorf("state: read record %x: %w", key, err)
	}
	b, err := item.ValueCopy(nil)
	if err != nil {
		return Record{}, fmt.Errorf("state: read record %x: %w", key, err)
	}
	value, rev, err := open(key, b)
	return Record{Key: key, Value: value, Rev: rev}, err
}

// Scan implements Store.
func (b *Badger) Scan(ctx context.Context, prefix, from []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := b.db.View(func(txn *badger.Txn) error {
			return scan(ctx, txn, prefix, from, yield)
		})
		if err != nil {
			yield(Record{}, translate(err))
		}
	}
}

func scan(ctx context.Context, txn *badger.Txn, prefix, from []byte, yield func(Record, error) bool) error {
	opts := badger.DefaultIteratorOptions
	opts.Prefix = prefix
	opts.PrefetchValues = false // they are in the tree already
	it := txn.NewIterator(opts)
	defer it.Close()
	if len(from) == 0 {
		from = prefix
	}
	for it.Seek(from); it.Valid(); it.Next() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r, err := record(it.Item())
		if err != nil {
			return err
		}
		if !yield(r, nil) {
			return nil
		}
	}
	return nil
}

func record(item *badger.Item) (r Record, err error) {
	r.Key = item.Key()
	err = item.Value(func(b []byte) (err error) {
		r.Value, r.Rev, err = open(r.Key, b)
		return err
	})
	return r, err
}

// Close implements Store. Commits accepted before it are finished first; later
// ones get ErrClosed.
func (b *Badger) Close() error {
	b.once.Do(func() {
		close(b.closing)
		closed := make(chan error, 1)
		done := make(chan struct{})
		go func() {
			<-b.stopped
			closed <- errors.Join(b.db.Close(), b.lock.Close())
			close(done)
		}()
		if b.err = b.trouble.wait(done); b.err != nil {
			return // as is the goroutine, to the end of the process
		}
		if err := <-closed; err != nil {
			b.err = fmt.Errorf("state: close index: %w", err)
		}
	})
	return b.err
}

func translate(err error) error {
	if errors.Is(err, badger.ErrDBClosed) {
		return ErrClosed
	}
	return err
}
