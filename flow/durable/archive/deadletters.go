package archive

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
)

// DeadLetters yields the items of a run that have failed so far, in the order
// of the input, with the reason. An item of a job with EveryRoute has a letter
// for each route that has failed it, with its own key. Items and key are those
// of the Job: it reads
// the items again, from where the source stands, because an Archive keeps only
// what was asked about them, and may do so more than once. The Query says which
// results count, and what reads them; its Ordered and Status are ignored. A
// retry.DeadLetters writes letters to a file. An error is the last thing that
// DeadLetters yields.
func DeadLetters[T any](a *Archive, q Query, items durable.Source[T], key func(T) string) iter.Seq2[retry.DeadLetter[T], error] {
	return func(yield func(retry.DeadLetter[T], error) bool) {
		q.Ordered, q.Status = true, durable.ItemFailed
		next, stop := iter.Pull2(a.Results(q))
		defer stop()
		if err := join(next, items, key, yield); err != nil {
			yield(retry.DeadLetter[T]{}, err)
		}
	}
}

// maxUnmatched bounds how many failed results are in memory until their items
// are found.
const maxUnmatched = 1 << 14

// unmatched is the failed results that come next and whose items were not found
// yet, by the keys of these. What was added to a source may come elsewhere in
// it than when it was read, so they may be in another order than the items.
type unmatched struct {
	next  func() (Result, error, bool)
	byKey map[string][]Result // of an item, those of its routes
	n     int
	done  bool // next has no more
}

// fill takes results until there are enough of them.
func (u *unmatched) fill() error {
	for !u.done && u.n < maxUnmatched {
		failed, err, more := u.next()
		if u.done = !more; err != nil {
			return err
		}
		if key := itemOf(&failed.Result); more {
			u.byKey[key] = append(u.byKey[key], failed)
			u.n++
		}
	}
	return nil
}

// take removes and returns the results of an item that the run has read at a
// place.
func (u *unmatched) take(key string, at func(*Result) bool) (found []Result) {
	all := u.byKey[key]
	found = slices.DeleteFunc(slices.Clone(all), func(r Result) bool { return !at(&r) })
	u.n -= len(found)
	if left := slices.DeleteFunc(all, func(r Result) bool { return at(&r) }); len(left) > 0 {
		u.byKey[key] = left
	} else {
		delete(u.byKey, key)
	}
	return found
}

// itemOf returns the key of the item of a result.
func itemOf(r *durable.Result) string { return cmp.Or(r.Item, r.ID) }

// missing is the error of results whose items are not there.
func (u *unmatched) missing() error {
	first := slices.MinFunc(slices.Concat(slices.Collect(maps.Values(u.byKey))...), func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Line, b.Line))
	})
	of := ""
	if first.Source != "" {
		of = " of " + first.Source
	}
	return fmt.Errorf("durable: the run has read the item %q on line %d%s, and it is there no more: give the input as it was", itemOf(&first.Result), first.Line, of)
}

// join finds the item of each failed result. It reads the source again while
// that finds any, as there may be more results than are in memory.
func join[T any](
	next func() (Result, error, bool), items durable.Source[T], key func(T) string, yield func(retry.DeadLetter[T], error) bool,
) error {
	u := unmatched{next: next, byKey: make(map[string][]Result)}
	for {
		if err := u.fill(); err != nil || u.n == 0 {
			return err
		}
		switch found, more, err := joinOnce(&u, items, key, yield); {
		case err != nil || !more:
			return err
		case found == 0:
			return u.missing()
		}
	}
}

// joinOnce reads the source once. It reports how many items it has found, and
// whether more are wanted.
func joinOnce[T any](
	u *unmatched, items durable.Source[T], key func(T) string, yield func(retry.DeadLetter[T], error) bool,
) (found int, more bool, err error) {
	for item, err := range items.Items() {
		if err != nil {
			if isPassed(items, err) {
				continue // the run has left it out
			}
			return found, false, fmt.Errorf("durable: read source: %w", err)
		}
		here := u.take(key(item), func(r *Result) bool { return isAt(r, items) })
		if len(here) == 0 {
			continue
		}
		found += len(here)
		for i := range here {
			if !yield(letterOf(&here[i].Result, item), nil) {
				return found, false, nil
			}
		}
		if err := u.fill(); err != nil || u.n == 0 {
			return found, false, err
		}
	}
	return found, true, nil
}

// isPassed reports whether an error is that of a row after which the source
// goes on.
func isPassed(source any, err error) bool {
	passes, ok := source.(interface{ PassesBadRows() bool })
	bad, is := errors.AsType[interface {
		error
		BadRow() (raw []byte, source string, line int, ok bool, reason error)
	}](err)
	if !ok || !is || !passes.PassesBadRows() {
		return false
	}
	_, _, _, ok, _ = bad.BadRow()
	return ok
}

// isAt reports whether the item that a source has yielded last is where the run
// has read that of a result. The directory may be written in another way.
func isAt[T any](r *Result, items durable.Source[T]) bool {
	name, line := items.Position()
	return line == r.Line && (r.Source == "" || filepath.Base(name) == filepath.Base(r.Source))
}

func letterOf[T any](r *durable.Result, item T) retry.DeadLetter[T] {
	l := retry.DeadLetter[T]{
		ID: itemOf(r), Attempts: r.Attempts, Class: r.Error.Class, Code: r.Error.Code, Reason: r.Error.Message, Route: r.Route, Item: item,
	}
	for _, t := range r.Tried {
		l.Tried = append(l.Tried, retry.TriedRoute(t))
	}
	return l
}
