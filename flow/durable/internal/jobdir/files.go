package jobdir

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink/llm"
)

// FileDir has the bytes of the files that requests have. Each is named by its
// SHA-256, below a directory of its first two digits.
const FileDir = "files"

// FileName returns the name of a file whose SHA-256 is kept, in hexadecimal.
func FileName(kept string) (string, error) {
	if sum, err := hex.DecodeString(kept); err != nil || len(sum) != sha256.Size {
		return "", errors.New("durable: a request refers to a file by something that is no digest")
	}
	return FileDir + "/" + kept[:2] + "/" + kept, nil
}

// KeepFile writes a file, unless it is there and undamaged. It is durable then.
func (a *Dir) KeepFile(kept string, data []byte) error {
	name, err := FileName(kept)
	if err != nil {
		return err
	}
	switch there, err := fs.ReadFile(a.Root.FS(), name); {
	case err == nil && bytes.Equal(there, data):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("durable: %w", err)
	}
	for _, dir := range []string{FileDir, FileDir + "/" + kept[:2]} {
		if err := atomicfile.Mkdir(a.Root, dir); errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("durable: %w", err)
		}
		if err := atomicfile.SyncDir(a.Root, "."); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
	}
	if err := atomicfile.SyncDir(a.Root, FileDir); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := atomicfile.Write(a.Root, name, data); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// FileSize returns how many bytes a file has whose SHA-256 is kept.
func (a *Dir) FileSize(kept string) (int64, error) {
	name, err := FileName(kept)
	if err != nil {
		return 0, err
	}
	info, err := a.Root.Stat(name)
	if err != nil {
		return 0, a.Damaged(name, fmt.Errorf("a file of a request is lost: %w", err))
	}
	return info.Size(), nil
}

// Fill puts the bytes of the files into a request that refers to them.
func (a *Dir) Fill(r *Request) error { return a.FillBut(r, nil) }

// FillBut is Fill, except for files that the provider has stored: stored
// returns them as rows refer to them, and nil for others. A stored that is nil
// means that there are none.
func (a *Dir) FillBut(r *Request, stored func(*llm.File) (*llm.File, error)) error {
	for _, file := range KeptFiles(r.Chat) {
		if stored != nil {
			reference, err := stored(file)
			if err != nil {
				return err
			}
			if reference != nil {
				*file = *reference
				continue
			}
		}
		data, err := a.ReadFile(file.Kept)
		if err != nil {
			return err
		}
		file.Data, file.Kept = data, ""
	}
	return nil
}

// ReadFile returns the bytes of a file whose SHA-256 is kept.
func (a *Dir) ReadFile(kept string) ([]byte, error) {
	name, err := FileName(kept)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(a.Root.FS(), name)
	if err != nil {
		return nil, a.Damaged(name, fmt.Errorf("a file of a request is lost: %w", err))
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != kept {
		return nil, a.Damaged(name, fmt.Errorf("%w: it is not the file that was kept", segment.ErrDamaged))
	}
	return data, nil
}
