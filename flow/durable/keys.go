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
//	i job hash16         item
//	e job level1         end of the level's ready entries
//	h job level1         head: every entry before it is claimed
//	b job tag16          intent
//	p job tag16          progress within an intent
//	c job s              source: checkpoint and counts
//	c job o              output: mark and counts
type keys struct{ job [8]byte }

const (
	metaKind   = 'm'
	intentKind = 'b'
)

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

func (k keys) item(h itemHash) []byte     { return k.make('i', h[:16]...) }
func (k keys) intent(tag string) []byte   { return k.make(intentKind, []byte(tag)...) }
func (k keys) progress(tag string) []byte { return k.make('p', []byte(tag)...) }
func (k keys) source() []byte             { return k.make('c', 's') }
func (k keys) output() []byte             { return k.make('c', 'o') }
func (k keys) head(level uint8) []byte    { return k.make('h', level) }
func (k keys) tail(level uint8) []byte    { return k.make('e', level) }

// itemHash identifies an item: the SHA-256 of its key, of which records use 16
// bytes and the ids of rows all.
type itemHash [32]byte

func hashKey(key string) itemHash { return sha256.Sum256([]byte(key)) }

// jobPrefix begins the names of jobs' directories.
const jobPrefix = "job-"

// dir is the job's directory in the state directory.
func (k keys) dir() string { return jobPrefix + hex.EncodeToString(k.job[:]) }

// metaKey is the key of a job's own record, the same in every epoch.
func metaKey(name string) []byte {
	h := hashKey(name)
	return append([]byte{metaKind}, h[:8]...)
}
