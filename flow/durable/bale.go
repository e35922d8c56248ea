package durable

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"strings"

	"github.com/balerhq/baler/internal/atomicfile"
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
func (e *engine) writeBale(tag string, entries []entry) error {
	return writeRecords(e.root, baleName(tag), func(put func([]byte) error) error {
		header, err := json.Marshal(newBaleHeader(entries, e.lanes.get(int(entries[0].lane))))
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

// writeRecords writes a file of records, all or nothing.
func writeRecords(root *os.Root, name string, fill func(put func([]byte) error) error) error {
	err := atomicfile.Create(root, name, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 256<<10)
		var buf []byte
		put := func(record []byte) error {
			buf = segment.Append(buf[:0], record)
			_, err := w.Write(buf)
			return err
		}
		if err := fill(put); err != nil {
			return err
		}
		return w.Flush()
	})
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
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
	f, err := a.root.Open(baleName(tag))
	if err != nil {
		return err
	}
	defer f.Close()
	next, stop := iter.Pull2(segment.ReadAll(f))
	defer stop()
	header, err := readBaleHeader(next)
	if err != nil {
		return err
	}
	for range header.Rows {
		record, err, ok := next()
		if !ok {
			return fmt.Errorf("%w: rows are missing", segment.ErrDamaged)
		}
		if err != nil {
			return err
		}
		row, err := decodeEntry(record)
		if err != nil {
			return err
		}
		if !yield(row, nil) {
			return nil
		}
	}
	return nil
}

// baleHeader reads the header alone.
func (a *files) baleHeader(tag string) (h baleHeader, err error) {
	f, err := a.root.Open(baleName(tag))
	if err != nil {
		return h, a.damaged(baleName(tag), err)
	}
	defer f.Close()
	next, stop := iter.Pull2(segment.ReadAll(f))
	defer stop()
	if h, err = readBaleHeader(next); err != nil {
		err = a.damaged(baleName(tag), err)
	}
	return h, err
}

func readBaleHeader(next func() ([]byte, error, bool)) (h baleHeader, err error) {
	record, err, ok := next()
	if !ok {
		return h, fmt.Errorf("%w: it is empty", segment.ErrDamaged)
	}
	if err != nil {
		return h, err
	}
	err = json.Unmarshal(record, &h)
	return h, err
}

// entries reads a whole bale.
func (a *files) entries(tag string, n int) ([]entry, error) {
	all := make([]entry, 0, n)
	for row, err := range a.bale(tag) {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
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
