// Package journal is an append-only file of JSON lines, each with a CRC-32C
// and synced before Append returns. It holds the few records from which the
// rest can be rebuilt.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/balerhq/baler/internal/atomicfile"
)

// ErrDamaged: a line in the middle of the journal does not hold what was
// written. (A torn last line was never acknowledged and is cut off.)
var ErrDamaged = errors.New("journal: damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type line struct {
	Sum    string          `json:"crc"`
	Record json.RawMessage `json:"record"`
}

// Journal appends records. It is safe for concurrent use.
type Journal struct {
	mu  sync.Mutex
	f   *os.File
	err error // of the first failed append; nothing may follow a torn line
}

// Open opens the journal name below root, creating it if need be, and calls
// replay with every record in it, oldest first.
func Open(root *os.Root, name string, replay func(record []byte) error) (*Journal, error) {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	end, err := read(f, replay)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err == nil {
		err = atomicfile.SyncDir(root, ".")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: read %s: %w", name, err), f.Close())
	}
	return &Journal{f: f}, nil
}

// read replays all whole lines and returns where they end.
func read(f io.Reader, replay func([]byte) error) (end int64, err error) {
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		b, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return end, nil // what stands behind the last newline was torn
		}
		if err != nil {
			return end, err
		}
		record, err := decode(b)
		if err != nil {
			return end, fmt.Errorf("%w: line %d: %w", ErrDamaged, n, err)
		}
		if err := replay(record); err != nil {
			return end, fmt.Errorf("line %d: %w", n, err)
		}
		end += int64(len(b))
	}
}

func decode(b []byte) ([]byte, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, err
	}
	if sum(l.Record) != l.Sum {
		return nil, errors.New("checksum")
	}
	return l.Record, nil
}

func sum(b []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli)) }

// Append writes v as JSON and returns once it would survive power failure.
func (j *Journal) Append(v any) error {
	record, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("journal: encode: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"crc":%q,"record":%s}`+"\n", sum(record), record)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = write(j.f, b.Bytes())
	}
	return j.err
}

func write(f *os.File, b []byte) error {
	if _, err := f.Write(b); err != nil {
		return fmt.Errorf("journal: write: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("journal: sync: %w", err)
	}
	return nil
}

// Close closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.f.Close()
}
