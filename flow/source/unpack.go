package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds how far back a compressed file may refer, and so the memory
// that it takes. The zstd program has the same limit unless told otherwise.
const maxWindow = 128 << 20

// packings are the compressions that are read, by how such files begin.
var packings = []struct {
	magic string
	open  func(io.Reader) (io.Reader, error)
}{
	{"\x1f\x8b", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	{zstdMagic, openZstd},
}

const zstdMagic = "\x28\xb5\x2f\xfd"

// skippable is how frames end their magic number that zstd passes over. Some
// programs put one first.
const skippable = "\x2a\x4d\x18"

func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
}

// unpack returns the content of a file that may be compressed.
func unpack(file io.ReadSeeker) (r io.ReadSeeker, packed bool, err error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, false, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, false, err
	}
	if n == 4 && head[0]&0xf0 == 0x50 && string(head[1:]) == skippable {
		head = []byte(zstdMagic)
	}
	for _, p := range packings {
		if bytes.HasPrefix(head[:n], []byte(p.magic)) {
			return &unpacked{file: file, open: p.open}, true, nil
		}
	}
	return file, false, nil
}

// unpacked is the content of a compressed file. To go to a place, it reads all
// that is before it.
type unpacked struct {
	file io.ReadSeeker
	open func(io.Reader) (io.Reader, error)
	r    io.Reader // nil before the first use
	at   int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.r == nil {
		if err := u.rewind(); err != nil {
			return 0, err
		}
	}
	n, err := u.r.Read(p)
	u.at += int64(n)
	return n, explainUnpack(err)
}

// Seek goes to a place that is counted from the start.
func (u *unpacked) Seek(offset int64, _ int) (int64, error) {
	if u.r == nil || offset < u.at {
		if err := u.rewind(); err != nil {
			return 0, err
		}
	}
	_, err := io.CopyN(io.Discard, u, offset-u.at)
	if errors.Is(err, io.EOF) {
		err = errOutside
	}
	return u.at, err
}

func (u *unpacked) rewind() error {
	if _, err := u.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var err error
	u.r, err = u.open(u.file)
	u.at = 0
	return explainUnpack(err)
}

// explainUnpack tells what is wrong with a compressed file.
func explainUnpack(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fileError("the compressed file ends too early: copy it again")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zstd.ErrMagicMismatch):
		return fileError("something that is not compressed follows in the compressed file: copy it again, or unpack it first")
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fileError(fmt.Sprintf("it was compressed with a window of more than %d MiB: compress it again without --long", maxWindow>>20))
	}
	return fileError("the compressed file cannot be read: copy it again, or unpack it first: " + err.Error())
}
