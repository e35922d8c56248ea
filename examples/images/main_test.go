package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachRowHasItsPictures(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), t.TempDir(), &b); err != nil {
		t.Fatal(err)
	}
	const want = `cap: red, and blue behind
mug: green, and green behind
scarf: blue, and red behind
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
