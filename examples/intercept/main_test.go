package main

import (
	"strings"
	"testing"
)

func TestCallsAreBatches(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	const want = "120 calls, 60 answered at once, 60 rows bought\nbilling: invoice 7 was charged twice\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
