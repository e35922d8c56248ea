package durable

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/atomicfile"
)

// Spooled is an input that is kept beside a run.
type Spooled struct {
	Path   string // of the file
	Digest string // of its content, in hexadecimal
	Size   int64  // in bytes
}

// Spool keeps what cannot be read again, such as standard input, in a file
// beside the run of that name, which may not have begun yet. Only the owner of
// the directory can read it. Whatever ends Spool before it returns leaves
// nothing that counts. The same content is kept once. Forget and archive.Prune
// remove it with the run.
func (d *Dir) Spool(run string, in io.Reader) (s Spooled, err error) {
	err = d.use(func(store *state.Dir) error {
		s, err = spool(store.Root(), rundir.New(store.Path(), run), in)
		return err
	})
	if err != nil {
		err = fmt.Errorf("durable: keep the input of the run %q: %w", run, err)
	}
	return s, err
}

func spool(root *os.Root, dir rundir.Dir, in io.Reader) (s Spooled, err error) {
	if err := dir.Make(root); err != nil {
		return s, err
	}
	here, err := root.OpenRoot(path.Join(rundir.RunsDir, dir.Name()))
	if err != nil {
		return s, err
	}
	defer here.Close()
	h := sha256.New()
	if err := atomicfile.Create(here, rundir.InputFile, func(f *os.File) error {
		s.Size, err = io.Copy(io.MultiWriter(f, h), in)
		return err
	}); err != nil {
		return s, err
	}
	s.Digest = hex.EncodeToString(h.Sum(nil)[:16])
	name := rundir.InputFile + "-" + s.Digest
	s.Path = filepath.Join(dir.Path, name)
	if _, err := here.Stat(name); err == nil { // it stays, as a run may be reading it
		return s, here.Remove(rundir.InputFile)
	}
	return s, errors.Join(here.Rename(rundir.InputFile, name), atomicfile.SyncDir(here, "."))
}

// Spooled returns what Spool has kept beside the run of that name: the input
// with the digest, or the latest if the digest is "". The error is
// os.ErrNotExist if there is none.
func (d *Dir) Spooled(run, digest string) (s Spooled, err error) {
	all, err := rundir.New(d.path, run).Inputs()
	if err != nil {
		return s, err
	}
	for i := range all {
		if found := all[i].Digest; digest == "" || digest == found {
			return Spooled{Path: all[i].Path, Digest: found, Size: all[i].Size}, nil
		}
	}
	return s, fmt.Errorf("durable: the run %q has no input of its own: %w", run, os.ErrNotExist)
}
