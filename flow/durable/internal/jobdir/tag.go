package jobdir

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// RowID is the custom id of an item in a batch: the batch's tag and the hash
// of the item's key, 60 characters that every provider accepts. It says whose
// the row is even if all local state is lost, and nothing about the user.
func RowID(tag string, h ItemHash) string {
	return tag + "_" + base64.RawURLEncoding.EncodeToString(h[:])
}

// ParseRowID undoes rowID.
func ParseRowID(tag, id string) (h ItemHash, ok bool) {
	encoded, ok := strings.CutPrefix(id, tag+"_")
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(len(h)) {
		return h, false
	}
	_, err := base64.RawURLEncoding.Decode(h[:], []byte(encoded))
	return h, err == nil
}

// RowTag is the tag of the batch that a row is of, "" if it is none of ours.
func RowTag(id string) string {
	if len(id) < tagLen || !IsTag(id[:tagLen]) {
		return ""
	}
	if _, ok := ParseRowID(id[:tagLen], id); !ok {
		return ""
	}
	return id[:tagLen]
}

// ownerLen is how many characters of a job's id begin the tags of its batches, so
// that those which it does not know are known to be its own.
const ownerLen = 7

// TagOfJob returns a tag of this job: 35 bits that all its tags have, and 45 that
// no other has.
func (a *Dir) TagOfJob() string {
	return a.ID[:min(ownerLen, len(a.ID))] + NewTag()[min(ownerLen, len(a.ID)):]
}

// IsOwnTag reports whether tagOfJob may have made the tag.
func (a *Dir) IsOwnTag(tag string) bool {
	return len(a.ID) >= ownerLen && IsTag(tag) && strings.HasPrefix(tag, a.ID[:ownerLen])
}

const tagLen = 16

// NewTag returns 16 characters of which no two are alike: 80 random bits.
func NewTag() string { return rand.Text()[:tagLen] }

// IsTag reports whether newTag may have made the tag: nobody else's look so.
func IsTag(tag string) bool {
	return len(tag) == tagLen && strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
