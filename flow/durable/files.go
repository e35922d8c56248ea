package durable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/crashpoint"
)

// Files is an Output that writes each result to a file of its own. Make it with
// OpenFiles.
type Files struct {
	root *os.Root
	lock *os.File // the directory
	path string
	n    int  // results that were written
	made bool // the directory did not exist
}

var _ Rewinder = (*Files)(nil)

// OpenFiles opens the directory at path for a job's results, each in a file of
// its own that FileName names, as the JSON line that Lines writes. It is made
// if it does not exist. A new job wants it empty. A file appears whole or not
// at all, and never again with something else: if a result comes again after a
// crash, it replaces the file by the same content. So each result is there
// exactly once.
//
// Each file is synced to the disk, which is slow: expect some hundred to some
// thousand results a second, by the disk. The directory is locked as a file of
// Lines is.
func OpenFiles(path string) (*Files, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("durable: open output: %w", err)
	}
	o := &Files{path: abs}
	switch err := os.Mkdir(abs, 0o700); {
	case err == nil:
		o.made = true
	case !errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("durable: open output: %w", err)
	}
	if err := o.open(); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func (o *Files) open() (err error) {
	if o.root, err = os.OpenRoot(o.path); err != nil {
		return fmt.Errorf("durable: open output: %w", err)
	}
	if o.lock, err = o.root.Open("."); err != nil {
		return fmt.Errorf("durable: open output: %w", err)
	}
	free, err := lockOutput(o.lock)
	if err != nil {
		return fmt.Errorf("durable: lock output %s: %w", o.path, err)
	}
	if !free {
		o.made = false
		return fmt.Errorf("%w: %s", ErrOutputInUse, o.path)
	}
	return nil
}

// Path returns the absolute path of the directory.
func (o *Files) Path() string { return o.path }

// Mark implements Rewinder.
func (o *Files) Mark() string { return strconv.Itoa(o.n) }

// mustBeNew makes the check that Rewind makes for an output that is new to the
// job.
func (o *Files) mustBeNew() error {
	found, err := fs.ReadDir(o.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	return o.mustBeEmpty(found)
}

func (o *Files) mustBeEmpty(found []fs.DirEntry) error {
	if len(found) > 0 {
		return &MismatchError{Reason: fmt.Sprintf("output %s holds %s, which is not of this job: move it away or choose another", o.path, found[0].Name())}
	}
	return nil
}

// Rewind implements Rewinder. Files of results that were not recorded stay,
// since those come again. It counts the files, and refuses a directory that
// lacks some.
func (o *Files) Rewind(mark string) error {
	found, err := fs.ReadDir(o.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("durable: output: %w", err)
	}
	if mark == "" {
		return o.mustBeEmpty(found)
	}
	if o.n, err = strconv.Atoi(mark); err != nil || o.n < 0 {
		return fmt.Errorf("durable: output mark %q is not a number of files", mark)
	}
	n := 0
	for _, entry := range found {
		if strings.HasSuffix(entry.Name(), resultSuffix) {
			n++
		}
	}
	if n < o.n {
		return &MismatchError{
			Reason: fmt.Sprintf("output %s is not as the job left it: it holds %d results and the job has written %d: put the files back", o.path, n, o.n),
			Output: o.path,
		}
	}
	return nil
}

// mayRewind makes the checks of Rewind, which removes nothing.
func (o *Files) mayRewind(mark string) error { return o.Rewind(mark) }

// filesAtOnce is how many files are synced at a time: a disk syncs several
// almost as fast as one.
const filesAtOnce = 8

// Write implements Output.
func (o *Files) Write(ctx context.Context, results []Result) error {
	crashpoint.Here("before writing results")
	var g errgroup.Group
	g.SetLimit(filesAtOnce)
	for i := range results {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return o.writeFile(&results[i]) })
	}
	err := g.Wait()
	if ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	if err == nil {
		err = atomicfile.SyncDir(o.root, ".")
	}
	if err != nil {
		return fmt.Errorf("durable: write output: %w", err)
	}
	o.n += len(results)
	crashpoint.Here("after writing results")
	return nil
}

// writeFile writes a file beside its place first. The directory is synced once
// for all.
func (o *Files) writeFile(r *Result) (err error) {
	name := FileName(r.ID)
	draft := name + ".tmp"
	if err := o.root.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a crash
		return err
	}
	f, err := atomicfile.New(o.root, draft, os.O_WRONLY)
	if err != nil {
		return err
	}
	if err := errors.Join(r.WriteLine(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, o.root.Remove(draft))
	}
	return o.root.Rename(draft, name)
}

// Close closes the directory. One that OpenFiles made and that got no result is
// removed.
func (o *Files) Close() error {
	var errs []error
	if o.made && o.n == 0 {
		if found, err := os.ReadDir(o.path); err == nil && len(found) == 0 {
			errs = append(errs, os.Remove(o.path)) // while it is locked
		}
	}
	if o.lock != nil {
		errs = append(errs, o.lock.Close())
	}
	if o.root != nil {
		errs = append(errs, o.root.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("durable: close output: %w", err)
	}
	return nil
}

const resultSuffix = ".json"

// These limit the names of files, in bytes.
const (
	maxPlainName = 120
	maxNameStart = 100
)

// FileName returns the name of the file that Files writes for an id. No two ids
// have the same, also where capitals make no difference. Letters, digits and
// _ - . stay, and all other bytes are written as in a URL, such as %2F. An id
// with capitals, one that would be the name of a device, and a long one of
// which only the beginning is kept, end with ~ and a part of their SHA-256.
func FileName(id string) string {
	var name strings.Builder
	for i := range len(id) {
		c := id[i]
		switch {
		case name.Len() > maxPlainName:
		case isSafe(c) && (i > 0 || c != '.' && c != '-'):
			name.WriteByte(c)
		default:
			fmt.Fprintf(&name, "%%%02X", c)
		}
	}
	plain, sum := name.String(), sha256.Sum256([]byte(id))
	switch {
	case len(plain) > maxPlainName:
		plain = plain[:maxNameStart] + "~" + hex.EncodeToString(sum[:16])
	case strings.ToLower(id) != id || deviceName.MatchString(id):
		plain += "~" + hex.EncodeToString(sum[:8])
	}
	return plain + resultSuffix
}

func isSafe(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

// deviceName matches names that Windows keeps for devices, with any extension.
var deviceName = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)
