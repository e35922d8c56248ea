package jobdir

// EncodedRows is a manifest in memory. A row takes less of it than an Entry does,
// and nothing of its own. It does not change.
type EncodedRows struct {
	dir  *Dir
	tag  string
	all  []byte
	ends []int // of the rows, in all
}

// usualRow is about what a row takes whose key is short.
const usualRow = EntrySize + 32

// EncodedRows reads a whole manifest, of n rows.
func (a *Dir) EncodedRows(tag string, n int) (*EncodedRows, error) {
	r := &EncodedRows{dir: a, tag: tag, all: make([]byte, 0, n*usualRow), ends: make([]int, 0, n)}
	for record, err := range a.rowRecords(tag) {
		if err != nil {
			return nil, err
		}
		r.all = append(r.all, record...)
		r.ends = append(r.ends, len(r.all))
	}
	return r, a.mustBe(tag, len(r.ends), n)
}

// Len returns how many rows there are.
func (r *EncodedRows) Len() int { return len(r.ends) }

// Row decodes a row.
func (r *EncodedRows) Row(n int) (Entry, error) {
	begin := 0
	if n > 0 {
		begin = r.ends[n-1]
	}
	e, err := DecodeEntry(r.all[begin:r.ends[n]])
	return e, r.dir.damagedManifest(r.tag, err)
}
