package state

import (
	"crypto/sha256"
	"encoding/binary"
)

// What the adapters for other packages keep, by the first byte of the key; jobs
// and the directory itself use small letters.
const (
	assignmentKind = 'A'
	capacityKind   = 'C'
	dedupKind      = 'D'
	generationKind = 'G'
	queueKind      = 'Q'
)

// namespace is a named part of a store.
type namespace struct {
	kind byte
	name string
}

// key is the key of a record, of 33 bytes whatever the lengths of name and id,
// which may both be a user's.
func (n namespace) key(id string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(n.name))) // so that no two pairs read the same
	b = append(append(b, n.name...), id...)
	sum := sha256.Sum256(b)
	return append([]byte{n.kind}, sum[:]...)
}
