package hashindex

import (
	"iter"
	"sort"
)

// bucketBits is how many bits of a hash are in the key of its record. With more,
// records are smaller, and with fewer more is read for each hash that is looked
// up.
const bucketBits = 10

// entry is a hash, or what is kept of it, and its number.
type entry struct{ hash, number uint64 }

func (f Form) size() int { return f.Hash + f.Number }

// cut returns what is kept of a hash, bits of the key included.
func (f Form) cut(hash uint64) uint64 { return hash >> (64 - bucketBits - 8*f.Hash) }

// bucket and rest divide what is kept of a hash: into what is in the key, and
// what is in the chunk.
func (f Form) bucket(cut uint64) uint64 { return cut >> (8 * f.Hash) }

func (f Form) rest(cut uint64) uint64 { return cut & (1<<(8*f.Hash) - 1) }

func (f Form) whole(bucket, rest uint64) uint64 { return bucket<<(8*f.Hash) | rest }

// sameBucket returns how many entries, of one or more, are of the bucket of the
// first.
func (f Form) sameBucket(entries []entry) int {
	first := f.bucket(entries[0].hash)
	return sort.Search(len(entries), func(i int) bool { return f.bucket(entries[i].hash) > first })
}

// chunk encodes entries of a bucket, which are sorted.
func (f Form) chunk(entries []entry) []byte {
	b := make([]byte, 0, len(entries)*f.size())
	for _, e := range entries {
		b = appendUint(b, e.hash, f.Hash)
		b = appendUint(b, e.number, f.Number)
	}
	return b
}

// rests yields what a chunk has of each of its hashes.
func (f Form) rests(chunk []byte) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for ; len(chunk) >= f.size(); chunk = chunk[f.size():] {
			if !yield(toUint(chunk[:f.Hash])) {
				return
			}
		}
	}
}

// find appends the numbers that a chunk has of a hash.
func (f Form) find(numbers []uint64, chunk []byte, rest uint64) []uint64 {
	size := f.size()
	at := func(i int) uint64 { return toUint(chunk[i*size:][:f.Hash]) }
	n := len(chunk) / size
	for i := sort.Search(n, func(i int) bool { return at(i) >= rest }); i < n && at(i) == rest; i++ {
		numbers = append(numbers, toUint(chunk[i*size+f.Hash:][:f.Number]))
	}
	return numbers
}

func appendUint(b []byte, n uint64, bytes int) []byte {
	for i := bytes - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
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
