package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryStoryIsReviewedByTheModelOfItsGenre(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Dawn: a fine poem, says muse after []",
		"Dusk: a fine poem, says muse after []",
		"Ledger: a fine report, says clerk after []",
		"Minutes: a fine report, says clerk after []",
		"The Key: a fine thriller, says clerk after [sleuth]",
	}
	got := slices.Sorted(strings.SplitSeq(strings.TrimSpace(out.String()), "\n"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
