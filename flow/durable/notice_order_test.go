package durable

import (
	"strconv"
	"sync"
	"testing"
)

// Whoever listens to notices needs no lock of their own: none is told while
// another is, each is told once, and a listener may cause the next.
func TestNoticesAreDeliveredOneAtATime(t *testing.T) {
	t.Parallel()
	const each, tellers = 200, 8
	var n notices
	var got []Notice
	var listen func(Notice)
	listen = func(v Notice) {
		got = append(got, v)
		if v.Text == "first" {
			n.deliver(Notice{Text: "caused"}, listen)
		}
	}
	n.deliver(Notice{Text: "first"}, listen)
	var wg sync.WaitGroup
	for teller := range tellers {
		wg.Go(func() {
			for i := range each {
				n.deliver(Notice{Tag: strconv.Itoa(teller), Times: i}, listen)
			}
		})
	}
	wg.Wait()
	if len(got) != 2+each*tellers || got[1].Text != "caused" {
		t.Fatalf("%d notices, the second %+v", len(got), got[1])
	}
	last := map[string]int{}
	for _, v := range got[2:] {
		if v.Times != last[v.Tag] {
			t.Fatalf("notice %d of %s came where %d was due", v.Times, v.Tag, last[v.Tag])
		}
		last[v.Tag]++
	}
}
