package intent_test

import (
	"fmt"
	"time"
)

// provider takes batches and does to replies what networks do.
type provider struct {
	*world
	batches []*batch
	made    *batch // by the last create
}

// replies are the chances of what becomes of a request to create a batch.
type replies struct {
	rejected  float64 // the answer is no
	unapplied float64 // no answer, no batch
	lost      float64 // no answer, but a batch
	late      float64 // no answer, and a batch later
	twice     float64 // no answer, and two batches
}

type batch struct {
	id, tag         string
	applied, listed time.Time
	ends            time.Time
	refused         bool
	cancelled       bool
	overlooked      bool // when it was looked for last
	rows            []result
}

// result is what becomes of a row of a batch.
type result struct {
	item int
	end  rowEnd
}

type rowEnd int

const (
	answered rowEnd = iota // paid for
	refused                // for good
	failed                 // for now
	missing                // not in the results
)

// somebody is the item of rows that are not ours.
const somebody = -1

type reply int

const (
	yes reply = iota
	no
	silence
	unsent // the run ended before
)

func (p *provider) create(tag string, rows []entry) reply {
	if p.chance(p.strangers) {
		p.stranger(len(rows))
	}
	roll, r := p.Float64(), p.replies
	chance := func(c float64) bool { roll -= c; return roll < 0 }
	switch {
	case chance(r.rejected):
		return no
	case chance(r.unapplied):
		return silence
	case chance(r.lost):
		p.apply(tag, rows, 0)
		return silence
	case chance(r.late):
		p.apply(tag, rows, p.upTo(p.lateness))
		return silence
	case chance(r.twice):
		p.apply(tag, rows, 0)
		p.apply(tag, rows, p.upTo(p.lateness))
		return silence
	}
	p.apply(tag, rows, 0)
	return yes
}

func (p *provider) apply(tag string, rows []entry, late time.Duration) *batch {
	if b := p.first(tag); b != nil && p.repeats {
		if at := p.now.Add(late); at.Before(b.applied) {
			b.applied = at
		}
		p.made = b
		return b
	}
	b := &batch{
		id: fmt.Sprintf("batch_%d", len(p.batches)), tag: tag, applied: p.now.Add(late),
		refused: p.chance(p.refusals),
	}
	b.listed = b.applied.Add(p.upTo(p.lag))
	b.ends = b.applied.Add(time.Hour + p.upTo(window-time.Hour))
	if p.chance(p.hangs) {
		b.ends = b.ends.Add(3 * window) // whoever cancels it
	}
	if b.refused {
		b.ends = b.applied.Add(p.upTo(10 * time.Minute)) // found out by validation
	}
	for _, row := range rows {
		r := result{item: row.item}
		if p.chance(p.fails) {
			r.end = refused + rowEnd(p.IntN(3))
		}
		b.rows = append(b.rows, r)
	}
	p.batches = append(p.batches, b)
	p.made = b
	return b
}

// first is the batch of our tag that was made before, unless it was refused.
func (p *provider) first(tag string) *batch {
	for _, b := range p.batches {
		if b.tag == tag && len(b.rows) > 0 && b.rows[0].item != somebody && (!b.refused || !p.ended(b)) {
			return b
		}
	}
	return nil
}

// foreign is a batch of somebody else in the same account.
func (p *provider) foreign() {
	tag := []string{"", "tag-0x", "TAG-0", "tag-"}[p.IntN(4)]
	p.apply(tag, nil, p.upTo(time.Hour))
}

// stranger is one that is made when ours is, with as many rows. Some never end.
func (p *provider) stranger(rows int) {
	b := p.apply("", nil, p.upTo(20*time.Minute)-10*time.Minute)
	for range rows {
		b.rows = append(b.rows, result{item: somebody})
	}
	if p.chance(0.1) {
		b.ends = b.ends.Add(10 * window)
	}
}

// last is the batch that the last create made.
func (p *provider) last() string { return p.made.id }

// list shows the batches that are visible by now, in any order. As that changes
// while it is read, it may lack the one that is looked for, but not twice in a
// row.
func (p *provider) list(tag string, since time.Time) (found []*batch) {
	for _, n := range p.Perm(len(p.batches)) {
		b := p.batches[n]
		if b.tag == tag {
			b.overlooked = !b.overlooked && p.chance(p.gaps)
		}
		if !p.now.Before(b.listed) && !p.created(b).Before(since) && (!b.overlooked || b.tag != tag) {
			found = append(found, b)
		}
	}
	return found
}

// created is what the provider's clock has said.
func (p *provider) created(b *batch) time.Time { return b.applied.Add(p.skew) }

func (p *provider) ended(b *batch) bool { return !p.now.Before(b.ends) }

func (p *provider) get(id string) *batch {
	for _, b := range p.batches {
		if b.id == id {
			return b
		}
	}
	p.fail("there is no batch %q", id)
	return nil
}

// results are those of a batch: some come again, with another end.
func (p *provider) results(id string) []result {
	b := p.get(id)
	if b.refused {
		return nil
	}
	rows := append([]result{{item: somebody}}, b.rows...)
	if p.chance(0.2) {
		rows = append(rows, result{rows[1].item, failed})
	}
	return rows
}

// cancel ends a batch with what it has.
func (p *provider) cancel(id string) {
	b := p.get(id)
	b.cancelled = true
	if p.ended(b) {
		return
	}
	b.ends = p.now
	for n := range b.rows {
		if p.chance(0.5) {
			b.rows[n].end = missing
		}
	}
}
