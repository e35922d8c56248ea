package order

import (
	"strconv"
	"testing"

	"github.com/balerhq/baler/queue/internal/rank"
)

// Tenants and levels that do not come back must not be remembered.
func TestSharesForgetTheIdle(t *testing.T) {
	s := shares[int]{Tenants: Tenants[int]{
		Name: strconv.Itoa,
		Cost: func(int) int64 { return 1 },
	}}
	const busy, n = -1, 10_000
	for i := range n {
		turn := rank.Key{Urgency: 0, Start: s.start(s.find(0, busy), busy)}
		for _, key := range []int64{0, int64(i + 1)} { // many tenants beside a busy one, and many levels
			s.served(rank.Key{Urgency: key, Start: s.start(s.find(key, i), i)}, i)
		}
		if i > 0 {
			s.served(turn, busy) // one behind, so that the level is never empty
		}
	}
	if n := len(s.levels.entries); n > 100 {
		t.Errorf("%d levels are remembered", n)
	}
	if n := len(s.levels.entries[0].flows.entries); n > 200 {
		t.Errorf("%d tenants are remembered", n)
	}
}
