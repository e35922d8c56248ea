package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
)

// Of the files that Badger logs its commits to: a head, then entries, each of a
// header, key, value and CRC-32C. The last of a commit is marked, and has a key
// of its own.
const (
	logHead   = 20
	endOfTxn  = 1 << 7
	endOfTxnS = "!badger!txn"
)

// inspectLogs looks for commits after a place at which Badger would stop.
func inspectLogs(dir string, opts *badger.Options) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return err
	}
	slices.Sort(names)
	for i, name := range names {
		data, err := os.ReadFile(name)
		if err == nil {
			err = inspectLog(data, 2*opts.MemTableSize, i == len(names)-1)
		}
		if err != nil {
			return damagedIndex(dir, filepath.Base(name), err)
		}
	}
	return nil
}

// inspectLog allows for one commit that power failure has torn, at the end of
// the newest log. Badger cuts off what it tore earlier.
func inspectLog(data []byte, whole int64, newest bool) error {
	if len(data) < logHead {
		return fmt.Errorf("it holds %d bytes", len(data))
	}
	end := logEnd(data)
	rest := data[end:]
	if len(rest) == 0 || len(bytes.TrimRight(rest, "\x00")) == 0 && int64(len(data)) >= whole {
		return nil
	}
	if newest && int64(len(data)) >= whole && bytes.Count(rest, []byte(endOfTxnS)) < 2 {
		return nil
	}
	return fmt.Errorf("its commits cannot be read from byte %d on", end)
}

// logEnd is where the last whole commit ends.
func logEnd(data []byte) int {
	end := logHead
	for at := logHead; ; {
		n, err := logEntry(data[at:])
		if err != nil {
			return end
		}
		last := data[at]&endOfTxn != 0
		if at += n; last {
			end = at
		}
	}
}

var errNoEntry = errors.New("state: not an entry of a log")

// logEntry is the size of the entry that b begins with.
func logEntry(b []byte) (n int, err error) {
	n = 2 // meta bytes
	var lengths [3]uint64
	for i := range lengths { // of key and value; when it expires
		if n >= len(b) {
			return 0, errNoEntry
		}
		v, size := binary.Uvarint(b[n:])
		if size <= 0 {
			return 0, errNoEntry
		}
		lengths[i], n = v, n+size
	}
	key, value := lengths[0], lengths[1]
	rest := uint64(len(b) - n)
	if key == 0 || key > rest || value > rest || key+value+4 > rest {
		return 0, errNoEntry
	}
	n += int(key + value) //nolint:gosec // not longer than b
	if crc32.Checksum(b[:n], castagnoli) != binary.BigEndian.Uint32(b[n:]) {
		return 0, errNoEntry
	}
	return n + 4, nil
}
