package jobdir

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/internal/tag"
)

// ManifestHeader is the first record of a manifest file.
type ManifestHeader struct {
	NumberedRoute
	Targets []NumberedTarget `json:"targets,omitempty"` // of its rows
	Rows    int              `json:"rows"`
	Last    map[uint8]uint64 `json:"last"` // the highest number of each level
}

// NewManifestHeader returns the header of the manifest of a batch of these
// entries.
func NewManifestHeader(entries []Entry, l Route, targetOf func(n int) Target) ManifestHeader {
	h := ManifestHeader{NumberedRoute: NumberedRoute{int(entries[0].Route), l}, Rows: len(entries), Last: make(map[uint8]uint64)}
	var seen []int
	for i := range entries {
		if n := int(entries[i].Target); !slices.Contains(seen, n) {
			seen = append(seen, n)
			h.Targets = append(h.Targets, NumberedTarget{n, targetOf(n)})
		}
		h.Last[entries[i].Level] = max(h.Last[entries[i].Level], entries[i].Seq)
	}
	return h
}

// ManifestName returns the name of a batch's manifest.
func ManifestName(tag string) string { return ManifestDir + "/" + tag }

// WriteManifest writes the rows of a batch, in the order of the upload.
func (a *Dir) WriteManifest(tag string, entries []Entry, l Route, targetOf func(n int) Target) error {
	return WriteRecords(a.Root, ManifestName(tag), a.LabelOf(manifestKind, tag), func(put Put) error {
		header, err := json.Marshal(NewManifestHeader(entries, l, targetOf))
		if err != nil {
			return err
		}
		if err := put(header); err != nil {
			return err
		}
		var buf []byte
		for i := range entries {
			buf = entries[i].append(buf[:0])
			if err := put(buf); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rows yields the rows of a sealed batch in order.
func (a *Dir) Rows(tag string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for record, err := range a.rowRecords(tag) {
			var row Entry
			if err == nil {
				row, err = DecodeEntry(record)
				err = a.damagedManifest(tag, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// rowRecords yields the rows encoded, each valid until the next one.
func (a *Dir) rowRecords(tag string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := readManifest(a, tag, func(record []byte) bool { return yield(record, nil) }); err != nil {
			yield(nil, a.damagedManifest(tag, err))
		}
	}
}

func (a *Dir) damagedManifest(tag string, err error) error {
	if err == nil {
		return nil
	}
	return a.Damaged(ManifestName(tag), err)
}

func readManifest(a *Dir, tag string, yield func(record []byte) bool) error {
	n, rows := 0, 0
	for p, err := range ReadRecords(a.Root, ManifestName(tag), a.LabelOf(manifestKind, tag)) {
		if err != nil {
			return err
		}
		if n++; n == 1 {
			h, err := decodeManifestHeader(p.Record)
			if err != nil {
				return err
			}
			rows = h.Rows
			continue
		}
		if !yield(p.Record) {
			return nil
		}
	}
	if n != 1+rows {
		return fmt.Errorf("%w: it holds %d rows of %d", segment.ErrDamaged, n-1, rows)
	}
	return nil
}

// Header reads only the header.
func (a *Dir) Header(tag string) (h ManifestHeader, err error) {
	for p, err := range ReadRecords(a.Root, ManifestName(tag), a.LabelOf(manifestKind, tag)) {
		if err == nil {
			h, err = decodeManifestHeader(p.Record)
		}
		if err != nil {
			err = a.Damaged(ManifestName(tag), err)
		}
		return h, err
	}
	return h, a.Damaged(ManifestName(tag), segment.ErrDamaged)
}

func decodeManifestHeader(record []byte) (h ManifestHeader, err error) {
	if err = json.Unmarshal(record, &h); err != nil || h.Rows < 0 {
		err = fmt.Errorf("%w: its header cannot be read", segment.ErrDamaged)
	}
	return h, err
}

// Entries reads a whole manifest, of n rows.
func (a *Dir) Entries(tag string, n int) ([]Entry, error) {
	all := make([]Entry, 0, n)
	for row, err := range a.Rows(tag) {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, a.mustBe(tag, len(all), n)
}

// mustBe refuses a manifest that has not as many rows as the journal says.
func (a *Dir) mustBe(tag string, rows, said int) error {
	if rows == said {
		return nil
	}
	return a.damagedManifest(tag, fmt.Errorf("%w: it holds %d rows, and the journal says %d", segment.ErrDamaged, rows, said))
}

// ClaimSpan is a run of consecutive rows of a manifest whose entries are
// consecutive in one log of the ready log: the level, and the first and last
// number. The journal has the spans of each batch, in the order of its rows. So
// the entries that a batch has claimed are known without its manifest, and the
// manifest can be made again.
type ClaimSpan [3]uint64

// Level returns the level whose log holds the rows.
func (s ClaimSpan) Level() uint8 { return uint8(s[0]) } //nolint:gosec // as it was written

// ClaimSpans returns the spans that a batch of these entries claims.
func ClaimSpans(entries []Entry) (spans []ClaimSpan) {
	for i := range entries {
		level, seq := uint64(entries[i].Level), entries[i].Seq
		if n := len(spans); n > 0 && spans[n-1][0] == level && spans[n-1][2]+1 == seq {
			spans[n-1][2] = seq
			continue
		}
		spans = append(spans, ClaimSpan{level, seq, seq})
	}
	return spans
}

// Lowest returns the lowest claimed number of each level.
func Lowest(spans []ClaimSpan) map[uint8]uint64 {
	low := make(map[uint8]uint64)
	for _, s := range spans {
		if was, ok := low[s.Level()]; !ok || s[1] < was {
			low[s.Level()] = s[1]
		}
	}
	return low
}

// RowID returns the custom id of an item in a batch: the batch's tag and the
// hash of the item's key, 60 characters. It identifies the row even if all
// local state is lost, and reveals nothing about the user.
func RowID(batch string, h ItemHash) string {
	return tag.RowID(batch, base64.RawURLEncoding.EncodeToString(h[:]))
}

// ParseRowID is the inverse of RowID.
func ParseRowID(batch, id string) (h ItemHash, ok bool) {
	encoded, ok := tag.RowName(batch, id)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(len(h)) {
		return h, false
	}
	_, err := base64.RawURLEncoding.Decode(h[:], []byte(encoded))
	return h, err == nil
}
