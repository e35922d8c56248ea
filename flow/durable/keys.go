package durable

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// The records of a job. Each key begins with a letter and the job's 8 bytes;
// numbers are big-endian, so that keys sort by them.
//
//	m hash8 of the name  job: what must not change, and its epoch
//	i job hash32         item
//	q job priority1 seq8 ready entry
//	h job priority1      head: every entry before it is claimed
//	l job lane2          lane: endpoint and model
//	b job tag16          intent
//	p job tag16          progress within an intent
//	c job s              source: checkpoint and counts
//	c job o              output: mark and counts
type keys struct{ job [8]byte }

// newKeys returns the keys of a job. One that begins anew does so in another
// epoch, since records are never deleted.
func newKeys(name string, epoch uint64) keys {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(name), epoch))
	return keys{job: [8]byte(sum[:8])}
}

func (k keys) make(kind byte, rest ...byte) []byte {
	key := make([]byte, 0, 1+8+32)
	key = append(key, kind)
	key = append(key, k.job[:]...)
	return append(key, rest...)
}

func (k keys) item(h itemHash) []byte     { return k.make('i', h[:]...) }
func (k keys) intent(tag string) []byte   { return k.make('b', []byte(tag)...) }
func (k keys) progress(tag string) []byte { return k.make('p', []byte(tag)...) }
func (k keys) source() []byte             { return k.make('c', 's') }
func (k keys) output() []byte             { return k.make('c', 'o') }
func (k keys) head(level uint8) []byte    { return k.make('h', level) }
func (k keys) level(level uint8) []byte   { return k.make('q', level) }

func (k keys) lane(n uint16) []byte {
	return binary.BigEndian.AppendUint16(k.make('l'), n)
}

func (k keys) ready(level uint8, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(k.make('q', level), seq)
}

// itemHash identifies an item: the SHA-256 of its key.
type itemHash [32]byte

func hashKey(key string) itemHash { return sha256.Sum256([]byte(key)) }

// dir is the job's directory in the state directory.
func (k keys) dir() string { return "job-" + hex.EncodeToString(k.job[:]) }

// metaKey is the key of a job's own record, the same in every epoch.
func metaKey(name string) []byte {
	h := hashKey(name)
	return append([]byte{'m'}, h[:8]...)
}
