package durable

import (
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// moveFew lets the rows of a batch that is about to be sealed take another
// route if they are too few for the one that they have.
func (l *routes) moveFew(rows []jobdir.Entry) error {
	l.choosing.Lock()
	defer l.choosing.Unlock()
	now := l.ownOf(int(rows[0].Route))
	if now < 0 || len(rows) >= l.own[now].least {
		return nil
	}
	for n := range l.own {
		if n == now {
			continue
		}
		if takes, err := l.takesAll(n, rows); err != nil {
			return err
		} else if takes {
			return l.move(rows, now, n)
		}
	}
	return nil
}

// takesAll reports whether a route of the job takes the rows as one batch. If
// it did not, they would be taken back and come here again without end.
func (l *routes) takesAll(n int, rows []jobdir.Entry) (bool, error) {
	own, first := l.own[n], l.targets.get(int(rows[0].Target))
	if len(rows) < own.least || own.out() {
		return false, nil
	}
	for i := range rows {
		t := l.targets.get(int(rows[i].Target))
		differs := t.Asks() != first.Asks() || own.service.info.OneSchema && t.Schema != first.Schema
		if differs || !own.takes(t) || own.tooLarge(&rows[i]) || l.failedBy(&rows[i], n) || !own.allows(&rows[i]) {
			return false, nil
		}
	}
	number, err := l.numberOf(n, rows[0].Target, first)
	if err != nil {
		return false, fmt.Errorf("durable: line %d: %w", rows[0].Line, err)
	}
	_, rest := l.cutFor(int(number), rows)
	return len(rest) == 0, nil
}

// move gives rows another route of the job.
func (l *routes) move(rows []jobdir.Entry, from, to int) error {
	for i := range rows {
		e := &rows[i]
		n, err := l.numberOf(to, e.Target, l.targets.get(int(e.Target)))
		if err != nil {
			return fmt.Errorf("durable: line %d: %w", e.Line, err)
		}
		e.Route = n
		l.load.left(from, e)
		l.load.chose(to, e)
	}
	return nil
}
