package durable

import (
	"strconv"
	"sync"
	"testing"
)

// Notices come in their order, each once. One that repeats before the listener
// gets to it comes once, with its latest count.
func TestNoticesAreReportedInOrder(t *testing.T) {
	t.Parallel()
	const each, tellers = 200, 8
	var got []Notice
	begun, goOn := make(chan struct{}), make(chan struct{})
	c := callbacks{onNotice: func(n Notice) {
		if got = append(got, n); len(got) == 1 {
			close(begun)
			<-goOn
		}
	}}
	c.reportNotice(Notice{Text: "first"})
	<-begun
	var wg sync.WaitGroup
	for teller := range tellers {
		wg.Go(func() {
			for i := range each {
				c.reportNotice(Notice{Tag: strconv.Itoa(teller), Times: i + 1})
				c.reportNotice(Notice{Tag: strconv.Itoa(teller) + " " + strconv.Itoa(i), Times: 1})
			}
		})
	}
	wg.Wait()
	close(goOn)
	<-c.done()
	if len(got) != 1+tellers*(each+1) {
		t.Fatalf("%d notices", len(got))
	}
	for i, n := range got[1:] {
		if teller, err := strconv.Atoi(n.Tag); err == nil && n.Times != each {
			t.Errorf("notice %d, of %d, was reported %d times", i, teller, n.Times)
		}
	}
}

// A listener that is slow gets the latest progress, and never an older one
// after a newer one.
func TestTheLatestProgressIsReported(t *testing.T) {
	t.Parallel()
	const updates = 1000
	var got []int
	begun, goOn := make(chan struct{}), make(chan struct{})
	c := callbacks{onProgress: func(p Progress) {
		if got = append(got, p.Rows); len(got) == 1 {
			close(begun)
			<-goOn
		}
	}}
	tally := progress{notify: c.reportProgress}
	add := func() { tally.update(func(p *Progress) { p.Rows++ }) }
	add()
	<-begun
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range updates {
				add()
			}
		})
	}
	wg.Wait()
	close(goOn)
	<-c.done()
	if len(got) != 2 || got[1] != 1+4*updates {
		t.Errorf("reported %v", got)
	}
}

// A reader that is slow holds up nothing. What it missed shows in the numbers,
// and an event that is no row's finds room where rows find none.
func TestASlowReaderMissesRowsAndNothingElse(t *testing.T) {
	t.Parallel()
	const n = 3 * maxRowEvents
	rows, missed, last, ended := 0, uint64(0), uint64(0), false
	begun, goOn := make(chan struct{}), make(chan struct{})
	c := &callbacks{onEvent: func(e Event) {
		if last == 0 {
			close(begun)
			<-goOn
		}
		missed, last = missed+e.Seq-last-1, e.Seq
		if e.Row != nil {
			rows++
		}
		ended = e.Run != nil
	}}
	c.reportEvent(Event{Run: &RunEvent{State: StateRunning}})
	<-begun
	results := make([]Result, 100)
	for range n / len(results) {
		c.reportRows(results)
	}
	c.reportEvent(Event{Run: &RunEvent{State: StateCompleted}})
	close(goOn)
	<-c.done()
	if rows < maxRowEvents-len(results) || rows > maxRowEvents || rows+int(missed) != n/len(results)*len(results) || !ended { //nolint:gosec // a count
		t.Errorf("%d rows were seen and %d missed of %d, ended %v", rows, missed, n, ended)
	}
}

// BenchmarkRowEvents measures what a result costs that is observed, and one
// that nobody observes.
func BenchmarkRowEvents(b *testing.B) {
	for name, onEvent := range map[string]func(Event){"nobody": nil, "observed": func(Event) {}} {
		b.Run(name, func(b *testing.B) {
			c, results := &callbacks{onEvent: onEvent}, make([]Result, 1000)
			for range b.N / len(results) {
				c.reportRows(results)
				<-c.done()
			}
		})
	}
}
