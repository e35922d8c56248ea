//go:build unix

package main

import "github.com/balerhq/baler/internal/chaos/provider"

// resultMissing is the code of rows that the provider ran and has no results
// of, once it was decided that they fail.
const resultMissing = "result_missing"

// paid is what the bill says of a question.
type paid struct {
	batches []string // in which it was executed
	excused int      // of these: a creation came after the grace, the answer cannot be had, or the directory was lost
	late    bool     // the former
	unseen  bool     // no answer can be had
}

// readBill reads the bill of the provider. It may grow while batches are open
// that are nobody's.
func (l *life) readBill() error {
	charges, err := provider.Charges(l.vendor.dir)
	if err != nil {
		return err
	}
	batches, err := l.batches()
	lateTags := make(map[string]bool) // their rows may be answered by either batch
	for _, b := range batches {
		if b.Late {
			lateTags[string(b.Metadata)] = true
		}
	}
	l.bill = make(map[string]paid)
	for _, c := range charges {
		p := l.bill[c.Question]
		p.batches = append(p.batches, c.Batch)
		switch {
		case lateTags[string(batches[c.Batch].Metadata)]:
			p.excused++
			p.late = true
		case c.Vanished:
			p.unseen = true
			if l.decisions[c.Batch] || batches[c.Batch].Received.Before(l.lost) {
				p.excused++
			}
		}
		l.bill[c.Question] = p
	}
	return err
}

// checkBill looks whether each row was paid for once. A second time is forgiven
// where a creation came after the grace, or where it was decided.
func (l *life) checkBill(expected map[string]item) {
	for id, i := range expected {
		hash := provider.Hash(i.question())
		p := l.bill[hash]
		delete(l.bill, hash)
		switch {
		case len(p.batches)-p.excused > 1:
			l.found.add(twice, "row %s was billed in %v", id, p.batches)
		case len(p.batches) > 1 && p.late:
			l.found.outside++
		case l.missing[id] && len(p.batches) > p.excused && !p.unseen:
			l.found.add(lost, "row %s was billed in %v before the run was cancelled, and has no result", id, p.batches)
		case l.missing[id], l.given[id]:
		case len(p.batches) == 0:
			if v := l.Plan.Verdict(i.question()); v.Code == "" || v.Ran {
				l.found.add(wrong, "row %s was never executed", id)
			}
		}
	}
	for hash, p := range l.bill {
		l.found.add(wrong, "%s is no row, and was billed in %v", hash, p.batches)
	}
}
