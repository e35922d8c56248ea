package intent_test

import (
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// fetch keeps the results, which are only those of rows that were run.
func (e *engine) fetch(d *driver) {
	b := e.provider.get(d.in.Batch)
	rows := slices.Clone(b.rows)
	for n := range rows {
		if b.refused {
			rows[n].end = refused
		}
	}
	e.do(func() { e.disk.results[d.in.Tag] = rows })
	e.advance(d, intent.FetchDone{})
}

// settle delivers the results in chunks and records each: its items, and how
// far the batch is, in one commit.
func (e *engine) settle(d *driver) {
	in, at := d.in, e.disk.progress[d.in.Tag]
	for chunk := range slices.Chunk(e.disk.results[in.Tag][at:], 2) {
		deliver := func() {
			for _, o := range chunk {
				if e.ends(in, o) {
					e.disk.delivered[o.item]++
				}
			}
		}
		at += len(chunk)
		record := func() { e.record(in, chunk) }
		progress := func() { e.disk.progress[in.Tag] = at }
		e.inOrder(deliver, record, progress)
	}
	e.advance(d, intent.SettleDone{})
}

// inOrder delivers, then records all that follows in one commit.
func (e *engine) inOrder(deliver, record, progress func()) {
	first, second, third := deliver, func() { record(); progress() }, func() {}
	if e.defect == recordBeforeDelivery {
		first, second = second, first
	}
	if e.defect == progressApart {
		second, third = record, progress
	}
	e.do(first)
	e.do(second)
	e.do(third)
}

// ends reports whether an outcome is the end of its item.
func (e *engine) ends(in intent.Intent, o outcome) bool {
	return o.end <= refused || e.row(in, o.item).attempts+1 >= maxAttempts
}

func (e *engine) row(in intent.Intent, item int) entry {
	rows := e.disk.bales[in.Tag]
	return rows[slices.IndexFunc(rows, func(r entry) bool { return r.item == item })]
}

func (e *engine) record(in intent.Intent, chunk []outcome) {
	for _, o := range chunk {
		r := e.row(in, o.item)
		next := item{state: queued, rev: r.rev + 2, attempts: r.attempts + 1}
		if e.ends(in, o) {
			next = item{state: done, rev: r.rev + 2, attempts: r.attempts + 1, tag: in.Tag, end: o.end}
		}
		e.put(o.item, next)
	}
}

// release frees the rows of a refused batch.
func (e *engine) release(d *driver) {
	at := e.disk.progress[d.in.Tag]
	for rows := range slices.Chunk(e.disk.bales[d.in.Tag][at:], 2) {
		at += len(rows)
		e.do(func() {
			for _, r := range rows {
				e.put(r.item, item{state: queued, rev: r.rev + 2, attempts: r.attempts})
			}
			e.disk.progress[d.in.Tag] = at
		})
	}
	e.advance(d, intent.CleanDone{})
}
