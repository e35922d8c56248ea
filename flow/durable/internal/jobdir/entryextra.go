package jobdir

import "encoding/json"

// Extra is what the entries of most jobs do not have. It is not in the entry, of
// which many are in memory. Copies of an entry share it, so it never changes.
type Extra struct {
	Source string          // the name of the input, if the job keeps where its items come from
	Meta   json.RawMessage // the item's own, for its result

	FileBytes  uint64 // of the files that its request refers to, as they are sent
	FileTokens uint32 // about how many tokens these are

	PrefixTokens uint32 // about how many tokens the beginning of its chat has
	Prefix       uint64 // of that beginning, which others may share; 0 if it has none, or nobody asks
}

var noExtra Extra

// Extra returns what the entry has of that. It is read only.
func (e *Entry) Extra() *Extra {
	if e.extra == nil {
		return &noExtra
	}
	return e.extra
}

// SetExtra changes what Extra returns.
func (e *Entry) SetExtra(x Extra) {
	if x.isZero() {
		e.extra = nil
		return
	}
	own := new(Extra)
	*own = x
	e.extra = own
}

func (x *Extra) isZero() bool {
	return x.Source == "" && len(x.Meta) == 0 && x.FileBytes == 0 && x.FileTokens == 0 && x.PrefixTokens == 0 && x.Prefix == 0
}
