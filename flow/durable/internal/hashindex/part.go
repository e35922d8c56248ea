package hashindex

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// part is a file with hashes of an index: those of one Write, or of several that
// follow one another. It has a header and blocks, and does not change. Its
// entries are sorted.
type part struct {
	header
	first, last uint32 // of the Writes

	starts []uint64 // what the blocks begin with
	at     int64    // where the first of them is in the file
	file   jobdir.OpenFile
}

// header is the first record of a part.
type header struct {
	Form   Form        `json:"form"`
	Hashes int         `json:"hashes"`
	UpTo   segment.Pos `json:"upTo"` // see Write
}

// blockEntries is how many hashes a block has, but for the last one. A block is
// read for each hash that is looked up, and eight bytes of it are in memory.
const blockEntries = 256

func (x *Index) blockSize() int { return blockEntries * x.form.size() }

// place returns where a block is in the file.
func (x *Index) place(p *part, block int) int64 {
	return p.at + int64(block)*int64(segment.Overhead+1+x.blockSize())
}

func compare(a, b entry) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.number, b.number))
}

// write writes a part of sorted entries.
func (x *Index) write(p *part, entries []entry) error {
	return x.writeAll(p, func(yield func(entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	})
}

func (x *Index) writeAll(p *part, entries iter.Seq2[entry, error]) error {
	if err := x.makeDir(); err != nil {
		return err
	}
	name := x.base(p)
	err := jobdir.WriteRecords(x.dir.Root, jobdir.SeenDir+"/"+name, x.dir.LabelOf(jobdir.SeenKind, name), func(put jobdir.Put) error {
		head, err := json.Marshal(p.header)
		if err != nil {
			return err
		}
		if err := put(head); err != nil {
			return err
		}
		return x.putBlocks(p, put, entries)
	})
	if err != nil {
		return err
	}
	return x.readHeader(p)
}

func (x *Index) putBlocks(p *part, put jobdir.Put, entries iter.Seq2[entry, error]) error {
	p.starts = make([]uint64, 0, p.Hashes/blockEntries+1)
	block, written := make([]byte, 0, x.blockSize()), 0
	for e, err := range entries {
		if err != nil {
			return err
		}
		if len(block) == 0 {
			p.starts = append(p.starts, e.hash)
		}
		written++
		if block = x.form.append(block, e); len(block) < x.blockSize() {
			continue
		}
		if err := put(block); err != nil {
			return err
		}
		block = block[:0]
	}
	if written != p.Hashes {
		return fmt.Errorf("durable: %d hashes of %d", written, p.Hashes)
	}
	if len(block) == 0 {
		return nil
	}
	return put(block)
}

// readHeader reads the header, and finds the first block.
func (x *Index) readHeader(p *part) error {
	n := 0
	for rec, err := range x.records(p) {
		if err != nil {
			return err
		}
		if n++; n == 2 {
			p.at = rec.At
			break
		}
		if err := json.Unmarshal(rec.Record, &p.header); err != nil || p.Form != x.form || p.Hashes < 0 {
			return fmt.Errorf("%w: its header is of another index", segment.ErrDamaged)
		}
	}
	return nil
}

// blocks yields all blocks of a part.
func (x *Index) blocks(p *part) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		p.starts = slices.Grow(p.starts[:0], p.Hashes/blockEntries+1)
		n := -1 // the header
		for rec, err := range x.records(p) {
			if err != nil {
				yield(nil, err)
				return
			}
			if n++; n == 0 {
				continue
			}
			block := rec.Record
			if left := p.Hashes - (n-1)*blockEntries; left <= 0 || len(block) != min(left, blockEntries)*x.form.size() {
				yield(nil, fmt.Errorf("%w: a block of %d bytes", segment.ErrDamaged, len(block)))
				return
			}
			p.starts = append(p.starts, x.form.first(block).hash)
			if !yield(block, nil) {
				return
			}
		}
		if n*blockEntries < p.Hashes {
			yield(nil, fmt.Errorf("%w: it lacks hashes", segment.ErrDamaged))
		}
	}
}

// findIn appends the numbers that a part has of what is kept of a hash.
func (x *Index) findIn(p *part, numbers []uint64, hash uint64) ([]uint64, error) {
	i := sort.Search(len(p.starts), func(i int) bool { return p.starts[i] >= hash })
	for i = max(i-1, 0); i < len(p.starts) && p.starts[i] <= hash; i++ {
		name := x.base(p)
		block, err := p.file.ReadRecord(x.dir.Root, jobdir.SeenDir+"/"+name, x.place(p, i), x.dir.LabelOf(jobdir.SeenKind, name))
		if err != nil {
			return nil, fmt.Errorf("durable: read %s/%s, which the next start makes anew if it is damaged: %w", jobdir.SeenDir, name, err)
		}
		numbers = x.form.find(numbers, block, hash)
	}
	return numbers, nil
}

// find appends the numbers that a block has of a hash.
func (f Form) find(numbers []uint64, block []byte, hash uint64) []uint64 {
	size := f.size()
	at := func(i int) entry { return f.first(block[i*size:]) }
	n := len(block) / size
	for i := sort.Search(n, func(i int) bool { return at(i).hash >= hash }); i < n && at(i).hash == hash; i++ {
		numbers = append(numbers, at(i).number)
	}
	return numbers
}
