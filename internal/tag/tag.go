// Package tag writes and reads the tags that identify batches, here and at the
// provider, and the ids of their rows.
package tag

import (
	"crypto/rand"
	"strings"
)

// Len is how many characters a tag has.
const Len = 16

// New returns 16 unique characters: 80 random bits.
func New() string { return rand.Text()[:Len] }

// Valid reports whether New may have made the tag. Names that others choose do
// not look like this.
func Valid(tag string) bool {
	return len(tag) == Len && strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// RowID returns the id of a row in a batch. It begins with the tag, so that no
// row of another batch can be taken for this one. Name is up to 47 characters
// of A-Z, a-z, 0-9, _ and -, which every provider accepts, and unique within
// the batch.
func RowID(tag, name string) string { return tag + "_" + name }

// RowName is the inverse of RowID. It returns false if the row is not of the
// batch with this tag.
func RowName(tag, id string) (name string, ok bool) {
	name, ok = strings.CutPrefix(id, tag+"_")
	return name, ok && name != ""
}

// OfRow returns the tag of a row's batch, "" if the row is not ours.
func OfRow(id string) string {
	if len(id) < Len || !Valid(id[:Len]) {
		return ""
	}
	if _, ok := RowName(id[:Len], id); !ok {
		return ""
	}
	return id[:Len]
}
