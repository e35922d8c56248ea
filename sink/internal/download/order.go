package download

import "github.com/balerhq/baler/sink"

// maxHeld bounds the outcomes that wait for those of rows that succeeded, in
// bytes.
const maxHeld = 16 << 20

// perHeld is about what an outcome takes beside its texts.
const perHeld = 256

// SuccessFirst yields what a reading of a file does, but a row that succeeded
// before anything else that is said of it. Of files that hold all results in
// any order, only that reading can tell. So outcomes that are no success wait
// until it is over; if they are too many to be kept, the file is read again for
// them. If the reading ends early they are left to a later one.
func SuccessFirst(
	read func(yield func(sink.Outcome, error) bool) (more bool, err error), yield func(sink.Outcome, error) bool,
) (more bool, err error) {
	return successFirst(read, yield, maxHeld)
}

func successFirst(
	read func(yield func(sink.Outcome, error) bool) (more bool, err error), yield func(sink.Outcome, error) bool, most int,
) (more bool, err error) {
	h := held{most: most}
	more, err = read(func(o sink.Outcome, err error) bool {
		return err == nil && h.holds(&o) || yield(o, err)
	})
	switch {
	case !more || err != nil:
		return more, err
	case h.tooMany:
		return read(func(o sink.Outcome, err error) bool {
			return err == nil && (o.Err == nil || o.ID == "") || yield(o, err)
		})
	}
	for _, o := range h.outcomes {
		if !yield(o, nil) {
			return false, nil
		}
	}
	return true, nil
}

// held are outcomes that wait.
type held struct {
	outcomes []sink.Outcome
	size     int
	most     int
	tooMany  bool // none is kept any more
}

// holds reports whether an outcome has to wait, and keeps it.
func (h *held) holds(o *sink.Outcome) bool {
	if o.Err == nil || o.ID == "" {
		return false
	}
	h.size += perHeld + len(o.ID) + len(o.Body) + len(o.Err.Message)
	if h.tooMany = h.size > h.most; h.tooMany {
		h.outcomes = nil
		return true
	}
	h.outcomes = append(h.outcomes, *o)
	return true
}
