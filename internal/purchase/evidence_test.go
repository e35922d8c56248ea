package purchase_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/internal/purchase"
)

// Rows count as never run once the counts have said so twice, a grace apart,
// however short the polling interval is.
func TestCountsMayBeBehindByAGrace(t *testing.T) {
	for _, shortest := range []time.Duration{time.Millisecond, time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var e purchase.Evidence
			const grace = 10 * time.Minute
			if e.Agree(3, shortest, grace) {
				t.Error("once is enough")
			}
			if wait := time.Until(e.Next); wait < grace {
				t.Errorf("asked again after %s", wait)
			}
			if e.Agree(2, shortest, grace) {
				t.Error("another number of rows agrees")
			}
			e.Disagree()
			if e.Agree(2, shortest, grace) || !e.Agree(2, shortest, grace) {
				t.Error("twice is not enough, or once is, after a doubt")
			}
		})
	}
}
