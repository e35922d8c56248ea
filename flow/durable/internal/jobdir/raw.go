package jobdir

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
)

// RawDir has what providers have sent about batches, as it came, of a job that
// keeps it. There is a file for each batch. Nothing else depends on these.
const RawDir = "raw"

// RawName returns the name of the file with what was sent about a batch.
func RawName(tag string) string { return RawDir + "/" + tag }

// Raw is what a provider has sent: its object of a batch, or a line of a file.
type Raw struct {
	Part sink.RawPart
	Text []byte // valid until the next one is read
}

// MakeRawDir makes the directory, unless it is there.
func (a *Dir) MakeRawDir() error {
	err := atomicfile.Mkdir(a.Root, RawDir)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return atomicfile.SyncDir(a.Root, ".")
}

// PutRaw writes a record: the part, and then the text.
func PutRaw(put Put, part sink.RawPart, text []byte) error {
	return put(appendString(nil, string(part)), text)
}

// ReadRaw yields what was sent about a batch: nothing if that was not kept. If
// the file is damaged, the last thing that it yields is an error.
func (a *Dir) ReadRaw(tag string) iter.Seq2[Raw, error] {
	return func(yield func(Raw, error) bool) {
		for p, err := range ReadRecords(a.Root, RawName(tag), a.LabelOf(rawKind, tag)) {
			if errors.Is(err, fs.ErrNotExist) {
				return
			}
			d := Decoder{B: p.Record}
			part := sink.RawPart(d.bytes())
			if err == nil && d.Err != nil {
				err = segment.ErrDamaged
			}
			if err != nil {
				yield(Raw{}, a.Damaged(RawName(tag), err))
				return
			}
			if !yield(Raw{part, d.B}, nil) {
				return
			}
		}
	}
}

// WriteRaw writes what was sent about a batch, all or nothing.
func (a *Dir) WriteRaw(tag string, fill func(put Put) error) error {
	if err := a.MakeRawDir(); err != nil {
		return err
	}
	return WriteRecords(a.Root, RawName(tag), a.LabelOf(rawKind, tag), fill)
}
