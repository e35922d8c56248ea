package jobdir

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Keys makes the keys of a job's records. Each key begins with a letter and the
// job's 8 bytes. Numbers are big-endian, so that keys sort by them.
//
//	m hash8 of the name  job: what must not change, and its epoch
//	e job level1         end of the level's ready entries
//	h job level1         head: every entry before it is claimed
//	b job tag16          intent
//	p job tag16          progress within an intent, and its cost
//	t job tag16 target2  cost of a tenant's rows within an intent
//	c job s              source: checkpoint and counts
//	c job o              output: mark and counts
type Keys struct{ Job [8]byte }

// These kinds of records are found by scanning.
const (
	MetaKind   = 'm'
	IntentKind = 'b'
)

// NewKeys returns the keys of a job. A job that begins anew gets another epoch,
// because records are never deleted.
func NewKeys(name string, epoch uint64) Keys {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(name), epoch))
	return Keys{Job: [8]byte(sum[:8])}
}

// Make returns the key of a kind of record.
func (k Keys) Make(kind byte, rest ...byte) []byte {
	key := make([]byte, 0, 1+8+32)
	key = append(key, kind)
	key = append(key, k.Job[:]...)
	return append(key, rest...)
}

func (k Keys) intent(tag string) []byte { return k.Make(IntentKind, []byte(tag)...) }

// Progress returns the key of the record of how many rows of a batch are
// settled.
func (k Keys) Progress(tag string) []byte { return k.Make('p', []byte(tag)...) }

func (k Keys) tenantCost(tag string, target int) []byte {
	return binary.BigEndian.AppendUint16(k.Make('t', []byte(tag)...), uint16(target)) //nolint:gosec // a number of a target
}

// Source returns the key of the SourceState.
func (k Keys) Source() []byte { return k.Make('c', 's') }

// Output returns the key of the OutputState.
func (k Keys) Output() []byte { return k.Make('c', 'o') }

// Head returns the key of the HeadState of a priority.
func (k Keys) Head(level uint8) []byte { return k.Make('h', level) }

// Tail returns the key of the TailState of a priority.
func (k Keys) Tail(level uint8) []byte { return k.Make('e', level) }

// JobPrefix begins the names of jobs' directories.
const JobPrefix = "job-"

// Dir returns the name of the job's directory in the state directory.
func (k Keys) Dir() string { return JobPrefix + hex.EncodeToString(k.Job[:]) }

// MetaKey returns the key of a job's own record, which is the same in every
// epoch.
func MetaKey(name string) []byte {
	h := HashKey(name)
	return append([]byte{MetaKind}, h[:8]...)
}
