package hashindex

import (
	"iter"
	"slices"
)

// fan is how many parts of the same size become one. Then ten million hashes
// that are written in 65,536 are in fifteen files at most, and each was written
// three times.
const fan = 8

// merge makes one part of the last ones as long as there are enough of a size.
func (x *Index) merge() error {
	for x.mayMerge() && x.hasRoom() {
		if err := x.mergeLast(); err != nil {
			return err
		}
	}
	return nil
}

func (x *Index) mergeLast() error {
	kept := len(x.parts) - fan
	merged, end := x.parts[kept:], x.parts[len(x.parts)-1]
	p := &part{first: merged[0].first, last: end.last, header: header{Form: x.form, UpTo: end.UpTo}}
	for _, q := range merged {
		p.Hashes += q.Hashes
	}
	if err := x.writeAll(p, x.sortedOf(merged)); err != nil {
		return err
	}
	for _, q := range merged {
		q.file.Close()
	}
	x.parts = slices.Concat(x.parts[:kept], []*part{p})
	return x.removeBut(x.parts)
}

// hasRoom reports whether the next merge fits on the disk beside what it merges.
func (x *Index) hasRoom() bool {
	if x.Room == nil {
		return true
	}
	hashes := 0
	for _, p := range x.parts[len(x.parts)-fan:] {
		hashes += p.Hashes
	}
	return x.Room(int64(hashes*x.form.size())) == nil
}

func (x *Index) mayMerge() bool {
	if len(x.parts) < fan {
		return false
	}
	last := x.parts[len(x.parts)-fan:]
	return last[0].last-last[0].first == last[fan-1].last-last[fan-1].first
}

// sortedOf yields the entries of parts in order.
func (x *Index) sortedOf(parts []*part) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		var heads []*head
		defer func() {
			for _, h := range heads {
				h.stop()
			}
		}()
		for _, p := range parts {
			next, stop := iter.Pull2(x.blocks(p))
			heads = append(heads, &head{form: x.form, next: next, stop: stop})
		}
		var err error
		left := slices.DeleteFunc(slices.Clone(heads), func(h *head) bool { return !h.advance(&err) })
		for err == nil && len(left) > 0 {
			least := 0
			for i := range left {
				if compare(left[i].entry, left[least].entry) < 0 {
					least = i
				}
			}
			if !yield(left[least].entry, nil) {
				return
			}
			if !left[least].advance(&err) {
				left = slices.Delete(left, least, least+1)
			}
		}
		if err != nil {
			yield(entry{}, err)
		}
	}
}

// head is the next entry of a part that is read.
type head struct {
	entry
	form  Form
	next  func() ([]byte, error, bool)
	stop  func()
	block []byte // what is left of it after the entry
}

// advance reports whether there is another entry. If there may be, and it cannot
// be read, it sets the error.
func (h *head) advance(failed *error) bool {
	if len(h.block) == 0 {
		block, err, more := h.next()
		if err != nil {
			*failed = err
		}
		if !more || err != nil {
			return false
		}
		h.block = block
	}
	h.entry = h.form.first(h.block)
	h.block = h.block[h.form.size():]
	return true
}
