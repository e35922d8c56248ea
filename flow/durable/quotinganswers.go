package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// quotedAnswers finds the rows of a quote that have an answer already, by any
// route that they may take.
type quotedAnswers struct {
	routes *routes
	caches []*cache
	opened []*os.Root
	taken  map[choice]jobdir.Route
}

func newQuotedAnswers(l *routes, own *cache) *quotedAnswers {
	return &quotedAnswers{routes: l, caches: []*cache{own}, taken: make(map[choice]jobdir.Route)}
}

// lookInto lets the answers of a directory count, if there is one. There, no
// job is the quoted one, whose answers it can reuse by not running again.
func (q *quotedAnswers) lookInto(d *Dir) error {
	root, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("durable: state directory: %w", err)
	}
	c := *q.caches[0]
	c.root, c.own, c.read, c.batches, c.answers = root, "", false, nil, nil
	q.caches, q.opened = append(q.caches, &c), append(q.opened, root)
	return nil
}

func (q *quotedAnswers) close() (err error) {
	for _, root := range q.opened {
		err = errors.Join(err, root.Close())
	}
	return err
}

// has reports whether a row has an answer.
func (q *quotedAnswers) has(row *jobdir.Entry) (bool, error) {
	if row.Hit != nil {
		return true, nil
	}
	routes, err := q.allowed(row)
	if err != nil {
		return false, err
	}
	for _, c := range q.caches {
		answered, err := c.anyHit(row, routes)
		if err != nil || answered {
			return answered, err
		}
	}
	return false, nil
}

// allowed returns the routes that a row may take.
func (q *quotedAnswers) allowed(row *jobdir.Entry) (all []jobdir.Route, err error) {
	l, target := q.routes, q.routes.targets.get(int(row.Target))
	l.choosing.Lock()
	defer l.choosing.Unlock()
	fitting, err := l.fit(row, target)
	if err == nil && target.Every {
		fitting, err = l.only(fitting, &target)
	}
	if err != nil {
		return nil, err
	}
	for _, own := range fitting {
		key := choice{own, row.Target}
		route, known := q.taken[key]
		if !known {
			if route, err = l.own[own].routeTo(target); err != nil {
				return nil, err
			}
			q.taken[key] = route
		}
		all = append(all, route)
	}
	return all, nil
}
