package intent_test

import (
	"slices"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// fetch keeps the results of rows that are ours, the first of each, behind
// those that it has. Some may not be there yet.
func (e *engine) fetch(d *driver) {
	var results []result
	if d.in.Missing > 0 {
		results = slices.Clone(e.disk.results[d.in.Tag])
	}
	had, held := len(results), 0
	for _, r := range e.came(d) {
		switch {
		case slices.ContainsFunc(results[:had], func(has result) bool { return has.item == r.item }):
		case e.held(d.in, r):
			if held++; e.defect == missingNeverRan {
				results = append(results, result{r.item, missing})
			}
			if d.in.Verdict == intent.FailMissing {
				results = append(results, result{r.item, refused})
			}
		default:
			results = append(results, r)
		}
	}
	if e.defect == missingNeverRan {
		held = 0
	}
	e.do(func() { e.disk.results[d.in.Tag] = results })
	e.conclude(d, held, len(results) > had)
}

// held reports whether the result of a row is not there, though it has run, or
// may yet as the batch has not ended.
func (e *engine) held(in intent.Intent, r result) bool {
	switch {
	case in.Batch == "":
		return false
	case givenUp(in) && !e.provider.ended(e.provider.get(in.Batch)):
		return e.defect != givenUpNeverRuns
	}
	return r.end != missing && (in.Reason == nil || givenUp(in)) && e.chance(e.holds)
}

func givenUp(in intent.Intent) bool { return in.Reason != nil && in.Reason.Class == "retryable" }

// conclude hands on what came, or waits for what has not.
func (e *engine) conclude(d *driver, held int, fresh bool) {
	if held == 0 || d.in.Verdict != "" || fresh {
		e.advance(d, intent.FetchDone{Missing: held})
		return
	}
	e.stats["incomplete"]++
	e.advance(d, intent.FetchPart{Missing: held, Undecided: e.chance(0.3)})
	d.wake = e.now.Add(time.Minute)
	if d.in.Undecided && e.chance(0.3) {
		e.stats["decided"]++
		e.advance(d, intent.Decided{Verdict: intent.FailMissing})
	}
}

// came is what became of each row, and missing if it is in no result.
func (e *engine) came(d *driver) []result {
	rows := e.disk.bales[d.in.Tag]
	results := make([]result, len(rows))
	for n, r := range rows {
		results[n] = result{r.item, missing}
		if d.in.Reason != nil && !givenUp(d.in) {
			results[n].end = refused
		}
	}
	if d.in.Batch != "" && (!givenUp(d.in) || e.provider.ended(e.provider.get(d.in.Batch))) {
		for _, r := range slices.Backward(e.provider.results(d.in.Batch)) {
			if n := slices.IndexFunc(rows, func(own entry) bool { return own.item == r.item }); n >= 0 {
				results[n] = r
			}
		}
	}
	return results
}

// settle hands on the results in chunks and records each.
func (e *engine) settle(d *driver) {
	results := e.disk.results[d.in.Tag]
	for {
		c := e.next(d)
		size := min(1+e.IntN(3), len(results)-c.from)
		if size == 0 {
			break
		}
		for _, r := range results[c.from : c.from+size] {
			c.add(e.row(d.in.Tag, r.item), r.end)
		}
		e.finish(c)
	}
	if d.in.Waits() {
		e.advance(d, intent.SettlePart{})
		return
	}
	e.advance(d, intent.SettleDone{})
}

// next is the chunk that comes next, empty.
func (e *engine) next(d *driver) *chunk {
	at := e.disk.store.progress[d.in.Tag]
	return &chunk{tag: d.in.Tag, from: at, until: at}
}

func (e *engine) row(tag string, item int) entry {
	rows := e.disk.bales[tag]
	return rows[slices.IndexFunc(rows, func(r entry) bool { return r.item == item })]
}

// add settles a row: it has ended, or it goes again.
func (c *chunk) add(row entry, end rowEnd) {
	c.until++
	if end <= refused || row.attempts+1 >= maxAttempts {
		c.ended = append(c.ended, mark{done, row, c.tag, end})
		return
	}
	c.again = append(c.again, entry{item: row.item, attempts: row.attempts + 1})
}

// finish hands on what has ended, then records the chunk.
func (e *engine) finish(c *chunk) {
	for n := range c.again {
		c.again[n].seq = e.disk.store.end + n
	}
	c.output = e.disk.store.outputMark + len(c.ended)
	deliver := func() {
		for _, m := range c.ended {
			e.disk.output = append(e.disk.output, m.entry.item)
		}
	}
	if e.defect == recordBeforeDelivery {
		e.record(line{chunk: c})
		e.do(deliver)
	} else {
		e.do(deliver)
		e.record(line{chunk: c})
	}
	e.ready = append(e.ready, c.again...)
}

// release frees the rows of a refused batch.
func (e *engine) release(d *driver) {
	rows := e.disk.bales[d.in.Tag]
	for c := e.next(d); c.from < len(rows); c = e.next(d) {
		for _, r := range rows[c.from:min(c.from+2, len(rows))] {
			c.until++
			c.again = append(c.again, entry{item: r.item, attempts: r.attempts})
		}
		e.finish(c)
	}
	if d.in.Abandoned && !d.in.Freed {
		e.advance(d, intent.Freed{})
		return
	}
	e.advance(d, intent.CleanDone{})
}
