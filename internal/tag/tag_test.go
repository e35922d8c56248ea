package tag_test

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/internal/tag"
)

func TestRowIDNamesTagAndRow(t *testing.T) {
	one, other := tag.New(), tag.New()
	if !tag.Valid(one) || one == other {
		t.Fatalf("tags %q and %q", one, other)
	}
	id := tag.RowID(one, "a_7")
	if name, ok := tag.RowName(one, id); !ok || name != "a_7" || tag.OfRow(id) != one {
		t.Errorf("%q is row %q of %q", id, name, tag.OfRow(id))
	}
	if _, ok := tag.RowName(other, id); ok {
		t.Errorf("%q is a row of %q", id, other)
	}
}

func TestWhatOthersChooseIsNoTag(t *testing.T) {
	for _, id := range []string{"", "request-1", tag.New(), tag.New() + "_", tag.New() + "-1", strings.ToLower(tag.New()) + "_1", "baler-" + tag.New() + "_1"} {
		if got := tag.OfRow(id); got != "" {
			t.Errorf("%q has tag %q", id, got)
		}
	}
	for _, name := range []string{"", "ABC", tag.New() + "A", tag.New()[1:] + "1", tag.New()[1:] + "_"} {
		if tag.Valid(name) {
			t.Errorf("%q is a tag", name)
		}
	}
}
