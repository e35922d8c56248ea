package simulator

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

func (s *session) Receive(id string, content io.Reader) (int64, error) {
	f, err := os.OpenFile(s.sim.contentPath(id)+partSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, content)
	if closed := f.Close(); closed != nil {
		return n, closed
	}
	return n, err
}

func (s *session) Discard(id string) {
	_ = os.Remove(s.sim.contentPath(id) + partSuffix) // it may not even be there
}

func (s *session) AddFile(f protocol.File) (protocol.File, error) {
	f.Owner, f.Created = s.owner, s.sim.clock.now()
	return s.sim.addFile(f)
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
	f, found := s.sim.files.get(id)
	now := s.reads()
	return f, found && s.sees(f.Identity, now) && !f.Gone(now)
}

func (s *session) Files() []protocol.File {
	now := s.reads()
	var files []protocol.File
	for _, f := range slices.Backward(s.sim.files.all()) {
		if s.sees(f.Identity, now) && !f.Gone(now) {
			files = append(files, f)
		}
	}
	return files
}

func (s *session) Open(f protocol.File) (*os.File, error) { return os.Open(s.sim.contentPath(f.ID)) }

func (s *session) DeleteFile(f protocol.File) error {
	f, err := s.sim.files.update(f.ID, func(f *protocol.File) bool {
		f.Deleted = true
		return true
	})
	if err != nil {
		return err
	}
	return s.sim.removeContent(f)
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
