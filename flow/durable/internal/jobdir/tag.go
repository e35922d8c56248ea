package jobdir

import (
	"crypto/rand"
	"strings"
)

// RowTag returns the tag of a row's batch, "" if the row is not ours.
func RowTag(id string) string {
	if len(id) < tagLen || !IsTag(id[:tagLen]) {
		return ""
	}
	if _, ok := ParseRowID(id[:tagLen], id); !ok {
		return ""
	}
	return id[:tagLen]
}

// ownerLen is how many characters of a job's id begin the tags of its batches.
// So a job recognizes its own batches even if its journal does not have them.
const ownerLen = 7

// TagOfJob returns a new tag of this job: 35 bits that all its tags share, and
// 45 random ones.
func (a *Dir) TagOfJob() string {
	return a.ID[:min(ownerLen, len(a.ID))] + NewTag()[min(ownerLen, len(a.ID)):]
}

// IsOwnTag reports whether TagOfJob may have made the tag.
func (a *Dir) IsOwnTag(tag string) bool {
	return len(a.ID) >= ownerLen && IsTag(tag) && strings.HasPrefix(tag, a.ID[:ownerLen])
}

const tagLen = 16

// NewTag returns 16 unique characters: 80 random bits.
func NewTag() string { return rand.Text()[:tagLen] }

// IsTag reports whether NewTag may have made the tag. Names that others choose
// do not look like this.
func IsTag(tag string) bool {
	return len(tag) == tagLen && strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
