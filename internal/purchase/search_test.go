package purchase_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/retry"
)

// find searches three batches of the intent's size that have ended: the second
// is its own, and the first cannot be read.
func find(unread error) (intent.Listed, error) {
	in := intent.Intent{Tag: tag.New(), Rows: 5, State: intent.Unknown}
	tags := map[string]string{"own": in.Tag, "other": ""}
	s := purchase.Search{
		Intent: in, Grace: time.Minute, Now: time.Now(), Owners: purchase.NewOwners(),
		TagOf: func(batch string) (string, error) {
			if batch == "unread" {
				return "", unread
			}
			return tags[batch], nil
		},
		Listed: func(yield func(purchase.Listing, error) bool) {
			for _, batch := range []string{"unread", "own", "other"} {
				if !yield(purchase.Listing{Batch: batch, Rows: 5, Ended: true}, nil) {
					return
				}
			}
		},
	}
	listed := intent.Listed{Terms: intent.Terms{Window: time.Hour}}
	err := s.Find(&listed)
	return listed, err
}

// Results of another batch that are late, or never come, hide nothing: the
// intent's own batch is found, and until then the other one may be it.
func TestLateResultsOfAnotherBatchHideNothing(t *testing.T) {
	absent := &retry.Error{Class: retry.Permanent, Status: http.StatusNotFound}
	for name, unread := range map[string]error{
		"late":   retry.Mark(absent, retry.Retryable),
		"silent": purchase.ErrSilent,
	} {
		got, err := find(unread)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := intent.Listed{Batches: []string{"own"}, Candidates: []string{"unread"}} // that no time rules out
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// A provider that cannot be asked says nothing about any batch.
func TestASearchThatFailsTellsNothing(t *testing.T) {
	for _, unread := range []error{
		&retry.Error{Class: retry.Blocked, Status: http.StatusUnauthorized},
		&retry.Error{Class: retry.Retryable, Status: http.StatusServiceUnavailable},
	} {
		if _, err := find(unread); !errors.Is(err, unread) {
			t.Errorf("%v, want %v", err, unread)
		}
	}
}
