// Package hashindex finds hashes among many millions. They are sorted in files
// of a job, where a hash takes a few bytes, and few files have all of them. In
// memory a hash takes ten to thirteen bits.
package hashindex

import (
	"errors"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/bloom"
	"github.com/balerhq/baler/internal/segment"
)

// Form says what an index keeps of a hash and its number. A hash that is found
// may be another one that begins with the same bytes.
type Form struct {
	Hash   int `json:"hash"`   // bytes of a hash: at most 8
	Number int `json:"number"` // bytes of its number: at most 8
}

// Index is a set of hashes, each with a number. What is added is in memory until
// Write. It is for one goroutine.
type Index struct {
	// Room returns an error if the disk has no room for so many bytes. What only
	// saves time is not written then. Nil means that it has.
	Room func(bytes int64) error

	dir  *jobdir.Dir
	name string
	form Form

	parts  []*part
	filter *bloom.Filter
	recent map[uint64]uint64 // numbers of hashes that are not written
	again  []entry           // those of them whose hash is in recent already
}

// Open reads an index of a job, which follows from the job's request log as far
// as that goes. What is damaged, or goes further, is removed: the index is empty
// then, and UpTo zero. O(n).
func Open(dir *jobdir.Dir, name string, form Form, logEnd segment.Pos) (*Index, error) {
	x := &Index{dir: dir, name: name, form: form, recent: make(map[uint64]uint64)}
	err := x.open()
	if err == nil && logEnd.Before(x.UpTo()) {
		err = fmt.Errorf("%w: it goes further than the request log", segment.ErrDamaged)
	}
	if errors.Is(err, segment.ErrDamaged) {
		err = x.empty()
	}
	if err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

func (x *Index) open() (err error) {
	if x.parts, err = x.find(); err != nil {
		return err
	}
	return x.fill()
}

// empty removes all files of the index.
func (x *Index) empty() error {
	x.parts = nil
	if err := x.removeBut(nil); err != nil {
		return err
	}
	return x.fill()
}

// growth is by which part a filter has room for more hashes than there are, and
// least how many it has room for at least. A small part costs time, because the
// index is read again whenever it is used up.
const (
	growth = 4
	least  = 1 << 17
)

// fill makes a filter of what is written, with room for more.
func (x *Index) fill() error {
	n := x.Len()
	if x.filter != nil {
		x.filter.Close() // before there is another
	}
	x.filter = bloom.New(n + n/growth + least)
	for _, p := range x.parts {
		for block, err := range x.blocks(p) {
			if err != nil {
				return err
			}
			for ; len(block) > 0; block = block[x.form.size():] {
				x.filter.Add(spread(toUint(block[:x.form.Hash])))
			}
		}
	}
	return nil
}

// Len is how many hashes the index has.
func (x *Index) Len() int {
	n := x.Recent()
	for _, p := range x.parts {
		n += p.Hashes
	}
	return n
}

// Recent is how many of them are not written.
func (x *Index) Recent() int { return len(x.recent) + len(x.again) }

// UpTo is what the last Write was told.
func (x *Index) UpTo() segment.Pos {
	if n := len(x.parts); n > 0 {
		return x.parts[n-1].UpTo
	}
	return segment.Pos{}
}

// Add adds a hash, whose bits must be as good as random. It may be there
// already.
func (x *Index) Add(hash, number uint64) {
	if !x.filter.Add(spread(x.form.cut(hash))) && x.isRecent(hash) {
		x.again = append(x.again, entry{hash, number})
		return
	}
	x.recent[hash] = number
}

func (x *Index) isRecent(hash uint64) bool {
	_, ok := x.recent[hash]
	return ok
}

// Find returns the numbers of a hash, and with them some of others that begin
// with the same bytes. Most hashes that are not there cost 50 ns; one that is
// there costs a read of each file.
func (x *Index) Find(hash uint64) ([]uint64, error) {
	if !x.filter.Has(spread(x.form.cut(hash))) {
		return nil, nil
	}
	return x.lookUp(hash)
}

// lookUp finds a hash that the filter has. It is apart from Find because its
// variables are allocated.
func (x *Index) lookUp(hash uint64) (numbers []uint64, err error) {
	if n, ok := x.recent[hash]; ok {
		numbers = append(numbers, n)
	}
	for _, e := range x.again {
		if e.hash == hash {
			numbers = append(numbers, e.number)
		}
	}
	for _, p := range x.parts {
		if numbers, err = x.findIn(p, numbers, x.form.cut(hash)); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// Write makes durable what was added since, and that the log has it up to a
// place. After an error the index is of no more use.
func (x *Index) Write(upTo segment.Pos) error {
	n := uint32(0)
	if k := len(x.parts); k > 0 {
		n = x.parts[k-1].last + 1
	}
	p := &part{first: n, last: n, header: header{Form: x.form, Hashes: x.Recent(), UpTo: upTo}}
	if err := x.write(p, x.sorted()); err != nil {
		return err
	}
	x.parts = append(x.parts, p)
	clear(x.recent)
	x.again = nil
	if err := x.merge(); err != nil {
		return err
	}
	if x.Len()+least/2 > x.filter.Capacity() {
		return x.fill()
	}
	return nil
}

// Close closes the files that were read, and frees the filter.
func (x *Index) Close() {
	if x.filter != nil {
		x.filter.Close()
	}
	for _, p := range x.parts {
		p.file.Close()
	}
}

// sorted returns what is not written, by what is kept of the hashes.
func (x *Index) sorted() []entry {
	all := make([]entry, 0, x.Recent())
	for hash, number := range x.recent {
		all = append(all, entry{x.form.cut(hash), number})
	}
	for _, e := range x.again {
		all = append(all, entry{x.form.cut(e.hash), e.number})
	}
	slices.SortFunc(all, compare)
	return all
}
