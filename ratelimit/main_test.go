package ratelimit_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLimiter(t *testing.T, c ratelimit.Config) *ratelimit.Limiter {
	t.Helper()
	l, err := ratelimit.NewLimiter(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
