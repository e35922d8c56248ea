package archive

import (
	"fmt"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// cancelledResult returns the result of an item of a cancelled run that was not
// answered.
func (a *Archive) cancelledResult(e *jobdir.Entry) durable.Result {
	r := durable.Result{Status: durable.ItemCancelled}
	r.SetOrigin(e, a.TargetOf(int(e.Target)))
	return r
}

// readCancelled shows the items of a cancelled run that have no result. They
// come after all others.
func (a *Archive) readCancelled(q Query, after position, show func(Result) bool) error {
	if !a.cancelled || q.Status != "" && q.Status != durable.ItemCancelled {
		return nil
	}
	s, err := a.order(position{})
	if err != nil {
		return err
	}
	s.items, err = s.unanswered()
	if err != nil {
		return err
	}
	r := orderedReader{inputOrder: s}
	defer r.close()
	for n := a.seen(after); n < uint64(len(s.items)); n++ {
		result, err := r.read(q, s.items[n])
		if err != nil {
			return err
		}
		result.Cursor = a.cursor(position{len(a.Chunks), n + 1})
		if !show(result) {
			return nil
		}
	}
	return nil
}

// seen returns how many of the items without a result are before a position.
func (a *Archive) seen(after position) uint64 {
	if after.chunk < len(a.Chunks) {
		return 0
	}
	return after.n
}

// addCancelled adds the items without a result that come after a position.
func (s *inputOrder) addCancelled(after position) error {
	all := s
	if after != (position{}) {
		var err error
		if all, err = s.archive.order(position{}); err != nil {
			return err
		}
	}
	unanswered, err := all.unanswered()
	if err != nil {
		return err
	}
	n := min(s.archive.seen(after), uint64(len(unanswered)))
	s.items = append(s.items, unanswered[n:]...)
	s.sort()
	return nil
}

// unanswered lists the items that are not in the index, in the order of the
// input. It reads all requests.
func (s *inputOrder) unanswered() (items []orderedItem, err error) {
	settled := s.items
	end, err := segment.Extent(s.archive.Root, jobdir.RequestDir)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	for g, err := range s.archive.IngestedGroups(end) {
		if err != nil {
			return nil, err
		}
		for i := range g.Entries {
			at := requestPlace(g.Entries[i].Ref)
			if len(settled) > 0 && settled[0].request == at {
				settled = settled[1:]
				continue
			}
			items = append(items, orderedItem{request: at, result: -1, batch: noBatch})
		}
	}
	if len(settled) > 0 {
		return nil, fmt.Errorf("%w: a request that was answered is missing", segment.ErrDamaged)
	}
	return items, nil
}
