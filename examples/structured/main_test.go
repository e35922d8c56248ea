package main

import (
	"strings"
	"testing"
)

func TestTicketsAreSorted(t *testing.T) {
	var b strings.Builder
	if err := run(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	const want = `high [Widget] 0.00 asked 2 times: The Widget does not start any more!
high [] 12.50 asked 1 times: My invoice 17 was charged twice, please refund 12.50 euros.
low  [Widget] 0.00 asked 1 times: How do I change the colour of the Widget?
low  [] 0.00 asked 1 times: Thanks for the quick help.
4 tickets are sorted, 0 failed
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
