package hashindex

import "encoding/binary"

// entry is a hash, or what is kept of it, and its number.
type entry struct{ hash, number uint64 }

func (f Form) size() int { return f.Hash + f.Number }

// cut returns what is kept of a hash: its first bytes.
func (f Form) cut(hash uint64) uint64 { return hash >> (64 - 8*f.Hash) }

func (f Form) append(b []byte, e entry) []byte {
	return appendUint(appendUint(b, e.hash, f.Hash), e.number, f.Number)
}

// first returns the first entry of a block, which has one at least.
func (f Form) first(block []byte) entry {
	return entry{toUint(block[:f.Hash]), toUint(block[f.Hash:f.size()])}
}

func appendUint(b []byte, n uint64, bytes int) []byte {
	var all [8]byte
	binary.BigEndian.PutUint64(all[:], n)
	return append(b, all[len(all)-bytes:]...)
}

func toUint(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// spread makes of what is kept of a hash one that is as good as random in all of
// its bits. It is the finalizer of SplitMix64.
func spread(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
