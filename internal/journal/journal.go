// Package journal is an append-only file of JSON lines. Each line has a CRC-32C
// and is synced before Append returns. The file holds the few records from
// which the rest can be rebuilt.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/crashpoint"
)

// Journal appends records. It is safe for concurrent use: what is appended while
// other lines are synced is written and synced at once.
type Journal struct {
	of string

	mu    sync.Mutex
	lines int    // so far, with those of next
	next  *group // those that nobody writes yet

	disk sync.Mutex // one group is written at a time
	f    *os.File
	err  error // of the first failed write; nothing may follow a torn line
}

// group is lines that are synced together. The first of their callers that gets
// the disk writes them.
type group struct {
	lines   []byte
	written bool
	err     error
}

// Open opens the journal name below root, creating it if need be, and calls
// replay with every record in it, oldest first. Replay must not keep the slice.
// A torn last line was never acknowledged and is cut off. Each line names its
// journal, in letters and digits; a line of another journal is ErrDamaged.
func Open(root *os.Root, name, of string, replay func(record []byte) error) (*Journal, error) {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	r := reader{of: of}
	if err = f.Chmod(0o600); err == nil { // the umask may have taken bits
		err = r.read(f, replay)
	}
	if err == nil {
		err = f.Truncate(r.end)
	}
	if err == nil {
		_, err = f.Seek(r.end, io.SeekStart)
	}
	if err == nil {
		err = atomicfile.SyncDir(root, ".")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: read %s: %w", name, err), f.Close())
	}
	return &Journal{f: f, of: r.of, lines: r.lines, next: new(group)}, nil
}

// Append writes v as JSON and returns once it would survive power failure. An
// error of the disk is final: all later appends return it too.
func (j *Journal) Append(v any) error {
	record, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("journal: encode: %w", err)
	}
	g := j.add(record)
	j.disk.Lock()
	defer j.disk.Unlock()
	if !g.written {
		j.write(g)
	}
	return g.err
}

// add puts a record into the group that is written next.
func (j *Journal) add(record []byte) *group {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines++
	j.next.lines = append(j.next.lines, encode(line{j.of, j.lines, record})...)
	return j.next
}

// write writes the group that comes next, which gets no more lines.
func (j *Journal) write(g *group) {
	j.mu.Lock()
	j.next = new(group)
	j.mu.Unlock()
	if j.err == nil {
		j.err = write(j.f, g.lines)
	}
	g.lines, g.written, g.err = nil, true, j.err
}

func write(f *os.File, b []byte) error {
	crashpoint.Here("before a journal line")
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("journal: write: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("journal: sync: %w", err)
	}
	crashpoint.Here("after a journal line")
	return nil
}

// Close closes the file.
func (j *Journal) Close() error {
	j.disk.Lock()
	defer j.disk.Unlock()
	return j.f.Close()
}
