package jobdir

import (
	"strings"

	"github.com/balerhq/baler/internal/tag"
)

// ownerLen is how many characters of a job's id begin the tags of its batches.
// So a job recognizes its own batches even if its journal does not have them.
const ownerLen = 7

// TagOfJob returns a new tag of this job: 35 bits that all its tags share, and
// 45 random ones.
func (a *Dir) TagOfJob() string {
	return a.ID[:min(ownerLen, len(a.ID))] + tag.New()[min(ownerLen, len(a.ID)):]
}

// IsOwnTag reports whether TagOfJob may have made the tag.
func (a *Dir) IsOwnTag(name string) bool {
	return len(a.ID) >= ownerLen && tag.Valid(name) && strings.HasPrefix(name, a.ID[:ownerLen])
}
