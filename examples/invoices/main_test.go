package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachFieldHasItsPage(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), t.TempDir(), &b); err != nil {
		t.Fatal(err)
	}
	const want = `invoice.pdf: Acme Corp wants 1200.50 USD for anvil
  $.vendor         page 1, by exact
  $.total.amount   page 2, by number
  $.total.currency page 2, by exact
  $.lines[0].item  page 2, by exact
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
