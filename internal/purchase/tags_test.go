package purchase_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/tag"
)

// readTag reads the tag of a batch whose results have these row ids, and break
// off after them if there is an error.
func readTag(t *testing.T, broken error, ids ...string) (got string, read int, err error) {
	t.Helper()
	results := func(yield func(string, error) bool) {
		for _, id := range ids {
			if read++; !yield(id, nil) {
				return
			}
		}
		if broken != nil {
			yield("", broken)
		}
	}
	got, err = purchase.ReadTag(t.Context(), results, func(id string) string { return id })
	return got, read, err
}

// A row of somebody else among the results does not say whose the batch is,
// wherever it stands.
func TestMostRowsTellWhoseABatchIs(t *testing.T) {
	ours, theirs := tag.New(), tag.New()
	own := []string{tag.RowID(ours, "0"), tag.RowID(ours, "1"), tag.RowID(ours, "2")}
	broken := errors.New("the connection broke")
	for name, tc := range map[string]struct {
		ids    []string
		broken error
		want   string
	}{
		"all":                     {own, nil, ours},
		"behind a stranger":       {slices.Insert(slices.Clone(own), 0, "somebody-elses"), nil, ours},
		"behind another tag":      {slices.Insert(slices.Clone(own), 0, tag.RowID(theirs, "0")), nil, ours},
		"a single row":            {[]string{"somebody-elses", own[0]}, nil, ours},
		"rows without ids":        {[]string{"", "", own[0]}, nil, ours},
		"one of ours with others": {[]string{own[0], "request-1", "request-2"}, nil, ""},
		"they break off":          {own[:1], broken, ours},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _, err := readTag(t, tc.broken, tc.ids...); got != tc.want || err != nil {
				t.Errorf("%q, %v, want %q", got, err, tc.want)
			}
		})
	}
	if _, _, err := readTag(t, broken); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

// A large batch of somebody else is not downloaded to know that it is.
func TestFewRowsTellWhoseABatchIs(t *testing.T) {
	ids := slices.Repeat([]string{"somebody-elses"}, 1000)
	if got, read, err := readTag(t, nil, ids...); got != "" || read > 100 || err != nil {
		t.Errorf("%q after %d rows, %v", got, read, err)
	}
}
