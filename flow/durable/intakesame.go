package durable

import (
	"encoding/binary"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// maxSeen limits how many different requests are remembered.
const maxSeen = 4_000_000

// seenRequests remembers what the items of a job ask, so that an item which
// asks the same as an earlier one becomes its follower. A wrong guess costs
// nothing but time, because a follower that no item answers is sent.
type seenRequests struct{ prints map[uint64]struct{} }

// fingerprint stands for a request and its target.
func fingerprint(content jobdir.Digest, target uint16) uint64 {
	return binary.BigEndian.Uint64(content[:8]) + uint64(target)
}

// add reports whether the request was seen before.
func (s *seenRequests) add(content jobdir.Digest, target uint16) (again bool) {
	if s.prints == nil {
		s.prints = make(map[uint64]struct{})
	}
	p := fingerprint(content, target)
	if _, again = s.prints[p]; !again && len(s.prints) < maxSeen {
		s.prints[p] = struct{}{}
	}
	return again
}
