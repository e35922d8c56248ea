package ready

import (
	"errors"
	"fmt"
	"os"

	"github.com/dgraph-io/ristretto/v2/z" // Badger maps its files with it

	"github.com/balerhq/baler/internal/segment"
)

// mapped reads synced records of a log in any order, without a call for each:
// it maps the files. It serves one goroutine. If another program shortens a
// mapped file, the process dies.
type mapped struct {
	log   *segment.Log
	files map[uint32][]byte
}

func newMapped(l *segment.Log) *mapped { return &mapped{log: l, files: make(map[uint32][]byte)} }

// read returns the record, valid until its file is forgotten or more of it is
// mapped.
func (m *mapped) read(ref segment.Ref) ([]byte, error) {
	end := ref.Offset + segment.Overhead + uint64(ref.Len)
	if end > uint64(len(m.files[ref.File])) {
		if err := m.remap(ref.File); err != nil {
			return nil, err
		}
	}
	all := m.files[ref.File]
	if end > uint64(len(all)) {
		return nil, fmt.Errorf("%w: a file of %d bytes ends before a record", segment.ErrDamaged, len(all))
	}
	return segment.Payload(ref, all[ref.Offset:end])
}

// remap maps a file as large as it is now.
func (m *mapped) remap(n uint32) error {
	if err := m.forget(n); err != nil {
		return err
	}
	f, err := m.log.OpenFile(n)
	if err != nil {
		return err
	}
	return errors.Join(m.mapFile(f, n), f.Close())
}

func (m *mapped) mapFile(f *os.File, n uint32) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 { // nothing can be mapped
		return err
	}
	all, err := z.Mmap(f, false, info.Size())
	if err == nil {
		m.files[n] = all
	}
	return err
}

func (m *mapped) forget(n uint32) error {
	all := m.files[n]
	if all == nil {
		return nil
	}
	delete(m.files, n)
	return z.Munmap(all)
}

// forgetBelow gives back the files below a number.
func (m *mapped) forgetBelow(below uint32) (err error) {
	for n := range m.files {
		if n < below {
			err = errors.Join(err, m.forget(n))
		}
	}
	return err
}

// close gives back all files.
func (m *mapped) close() (err error) {
	for n := range m.files {
		err = errors.Join(err, m.forget(n))
	}
	return err
}
