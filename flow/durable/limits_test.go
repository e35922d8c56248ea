package durable

import (
	"testing"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// A limit that is given lifts no other.
func TestLimitsHaveDefaultsEach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ given, creates, polls ratelimit.Config }{
		{
			given:   ratelimit.Config{},
			creates: ratelimit.Config{Requests: 2000, Window: time.Hour, Burst: 10 * time.Minute},
			polls:   ratelimit.Config{Requests: 3000, Window: time.Minute, Slots: 8},
		},
		{
			given:   ratelimit.Config{Slots: 2},
			creates: ratelimit.Config{Requests: 2000, Window: time.Hour, Burst: 10 * time.Minute, Slots: 2},
			polls:   ratelimit.Config{Requests: 3000, Window: time.Minute, Slots: 2},
		},
		{
			given:   ratelimit.Config{Window: time.Second},
			creates: ratelimit.Config{Requests: 1, Window: time.Second, Burst: time.Second / 6},
			polls:   ratelimit.Config{Requests: 50, Window: time.Second, Slots: 8},
		},
		{
			given:   ratelimit.Config{Burst: 5 * time.Second, Aging: -1},
			creates: ratelimit.Config{Requests: 2000, Window: time.Hour, Burst: 5 * time.Second, Aging: -1},
			polls:   ratelimit.Config{Requests: 3000, Window: time.Minute, Slots: 8, Burst: 5 * time.Second, Aging: -1},
		},
		{
			given:   ratelimit.Config{Requests: 600},
			creates: ratelimit.Config{Requests: 600, Window: time.Hour, Burst: 10 * time.Minute},
			polls:   ratelimit.Config{Requests: 600, Window: time.Minute, Slots: 8},
		},
		{
			given:   ratelimit.Per(600, time.Minute),
			creates: ratelimit.Config{Requests: 600, Window: time.Minute, Burst: 10 * time.Second},
			polls:   ratelimit.Config{Requests: 600, Window: time.Minute, Slots: 8},
		},
	} {
		if got := createLimit(test.given); got != test.creates {
			t.Errorf("creates of %+v: %+v", test.given, got)
		}
		if got := pollLimit(test.given); got != test.polls {
			t.Errorf("polls of %+v: %+v", test.given, got)
		}
	}
}
