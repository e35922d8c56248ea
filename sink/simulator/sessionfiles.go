package simulator

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

func (s *session) Receive(id string, content io.Reader) (int64, error) {
	f, err := os.OpenFile(s.contentPath(id)+partSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, content)
	if closed := f.Close(); closed != nil {
		return n, closed
	}
	return n, err
}

func (s *session) ReceiveAt(id string, offset int64, content io.Reader) (int64, error) {
	f, err := os.OpenFile(s.contentPath(id)+partSuffix, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	at, err := f.Seek(0, io.SeekEnd)
	if err == nil && at == offset {
		var n int64
		n, err = io.Copy(f, content)
		at += n
	}
	if closed := f.Close(); closed != nil {
		return at, closed
	}
	return at, err
}

func (s *session) ReceiveLines(id string, lines iter.Seq2[[]byte, error]) (int64, error) {
	w, err := createLines(s.contentPath(id)+partSuffix, ResultQuirks{})
	if err != nil {
		return 0, err
	}
	var buf []byte
	for line, err := range lines {
		if err == nil {
			buf = append(buf[:0], line...)
			for i, c := range buf {
				if c == '\n' || c == '\r' { // within JSON that is only space
					buf[i] = ' '
				}
			}
			buf = append(buf, '\n')
			err = w.write(buf)
		}
		if err != nil {
			_ = w.close() // the content is worth nothing
			return w.bytes, err
		}
	}
	return w.bytes, w.close()
}

func (s *session) Discard(id string) {
	_ = os.Remove(s.contentPath(id) + partSuffix) // it may not even be there
}

func (s *session) AddFile(f protocol.File) (protocol.File, error) {
	f.Protocol, f.Owner, f.Created = s.name, s.owner, s.clock.now()
	return s.addFile(f)
}

// addFile adds a file, whose content was written under its id.
func (s *Simulator) addFile(f protocol.File) (protocol.File, error) {
	path := s.contentPath(f.ID)
	if err := os.Rename(path+partSuffix, path); err != nil {
		return f, err
	}
	return s.files.add(func(seq int) protocol.File {
		f.Seq = seq
		return f
	})
}

func (s *session) File(id string) (protocol.File, bool) {
	f, found := s.files.get(id)
	now := s.reads()
	return f, found && s.sees(f.Identity, now) && !f.Gone(now)
}

func (s *session) Files() []protocol.File {
	now := s.reads()
	var files []protocol.File
	for _, f := range slices.Backward(s.files.all()) {
		if !f.Hidden && s.sees(f.Identity, now) && !f.Gone(now) {
			files = append(files, f)
		}
	}
	return files
}

func (s *session) Open(f protocol.File) (*os.File, error) { return os.Open(s.contentPath(f.ID)) }

func (s *session) DeleteFile(f protocol.File) error { return s.deleteFile(f) }

func (s *Simulator) deleteFile(f protocol.File) error {
	f, err := s.files.update(f.ID, func(f *protocol.File) bool {
		f.Deleted = true
		return true
	})
	if err != nil {
		return err
	}
	return s.removeContent(f)
}

// deleteHidden deletes a file if it is a hidden one.
func (s *Simulator) deleteHidden(id string) error {
	f, found := s.files.get(id)
	if !found || !f.Hidden || f.Deleted {
		return nil
	}
	return s.deleteFile(f)
}

// removeContent frees the space of a deleted file, unless a batch still reads
// it. The batch does it when it ends.
func (s *Simulator) removeContent(f protocol.File) error {
	for _, b := range s.batches.all() {
		if b.InputFile == f.ID && !b.Ended() {
			return nil
		}
	}
	if err := os.Remove(s.contentPath(f.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("simulator: remove content: %w", err)
	}
	return nil
}
