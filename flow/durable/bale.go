package durable

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
)

const (
	requestDir = "requests"
	baleDir    = "bales"
	resultDir  = "results"
)

// baleHeader is the first record of a bale file.
type baleHeader struct {
	numberedLane
	Rows int              `json:"rows"`
	Last map[uint8]uint64 `json:"last"` // the highest number of each level
}

func newBaleHeader(entries []entry, l lane) baleHeader {
	h := baleHeader{numberedLane{int(entries[0].lane), l}, len(entries), make(map[uint8]uint64)}
	for i := range entries {
		h.Last[entries[i].level] = max(h.Last[entries[i].level], entries[i].seq)
	}
	return h
}

func baleName(tag string) string { return baleDir + "/" + tag }

// writeBale fixes the rows of a batch. Their order is that of the upload.
func (a *files) writeBale(tag string, entries []entry, l lane) error {
	return writeRecords(a.root, baleName(tag), a.labelOf(manifestKind, tag), func(put func([]byte) error) error {
		header, err := json.Marshal(newBaleHeader(entries, l))
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

// bale yields the rows of a sealed batch in order.
func (a *files) bale(tag string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if err := a.readBale(tag, yield); err != nil {
			yield(entry{}, a.damaged(baleName(tag), err))
		}
	}
}

func (a *files) readBale(tag string, yield func(entry, error) bool) error {
	n, rows := 0, 0
	for p, err := range readRecords(a.root, baleName(tag), a.labelOf(manifestKind, tag)) {
		if err != nil {
			return err
		}
		if n++; n == 1 {
			h, err := decodeBaleHeader(p.record)
			if err != nil {
				return err
			}
			rows = h.Rows
			continue
		}
		row, err := decodeEntry(p.record)
		if err != nil {
			return err
		}
		if !yield(row, nil) {
			return nil
		}
	}
	if n != 1+rows {
		return fmt.Errorf("%w: it holds %d rows of %d", segment.ErrDamaged, n-1, rows)
	}
	return nil
}

// baleHeader reads the header alone.
func (a *files) baleHeader(tag string) (h baleHeader, err error) {
	for p, err := range readRecords(a.root, baleName(tag), a.labelOf(manifestKind, tag)) {
		if err == nil {
			h, err = decodeBaleHeader(p.record)
		}
		if err != nil {
			err = a.damaged(baleName(tag), err)
		}
		return h, err
	}
	return h, a.damaged(baleName(tag), segment.ErrDamaged)
}

func decodeBaleHeader(record []byte) (h baleHeader, err error) {
	if err = json.Unmarshal(record, &h); err != nil || h.Rows < 0 {
		err = fmt.Errorf("%w: its header cannot be read", segment.ErrDamaged)
	}
	return h, err
}

// entries reads a whole bale, of n rows.
func (a *files) entries(tag string, n int) ([]entry, error) {
	all := make([]entry, 0, n)
	for row, err := range a.bale(tag) {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	if len(all) != n {
		return nil, a.damaged(baleName(tag), fmt.Errorf("%w: it holds %d rows, and the journal says %d", segment.ErrDamaged, len(all), n))
	}
	return all, nil
}

// payload yields the rows of a batch as the provider gets them.
func (e *engine) payload(tag string) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		r := e.requests.NewReader()
		defer r.Close()
		for row, err := range e.bale(tag) {
			if err != nil {
				yield(sink.Row{}, err)
				return
			}
			body, err := readBody(r, &row)
			if err != nil {
				yield(sink.Row{}, e.damaged(requestDir, err))
				return
			}
			if !yield(sink.Row{ID: rowID(tag, hashKey(row.key)), Body: body}, nil) {
				return
			}
		}
	}
}

func readBody(r *segment.Reader, row *entry) ([]byte, error) {
	record, err := r.Read(row.ref)
	if err != nil {
		return nil, err
	}
	return requestBody(record)
}

// rowID is the custom id of an item in a batch: the batch's tag and the hash
// of the item's key, 60 characters that every provider accepts. It says whose
// the row is even if all local state is lost, and nothing about the user.
func rowID(tag string, h itemHash) string {
	return tag + "_" + base64.RawURLEncoding.EncodeToString(h[:])
}

// parseRowID undoes rowID.
func parseRowID(tag, id string) (h itemHash, ok bool) {
	encoded, ok := strings.CutPrefix(id, tag+"_")
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(len(h)) {
		return h, false
	}
	_, err := base64.RawURLEncoding.Decode(h[:], []byte(encoded))
	return h, err == nil
}

// rowTag is the tag of the batch that a row is of, "" if it is none of ours.
func rowTag(id string) string {
	if len(id) < tagLen || !isTag(id[:tagLen]) {
		return ""
	}
	if _, ok := parseRowID(id[:tagLen], id); !ok {
		return ""
	}
	return id[:tagLen]
}
