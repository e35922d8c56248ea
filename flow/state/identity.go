package state

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
)

const (
	schema       = 4
	identityFile = "STATE.json"
	indexDir     = "index"
)

// generationKey is the canary: Badger opens as empty, without an error, when
// its manifest is gone. The file beside it remembers how far it must have got,
// and whose index it is.
var generationKey = []byte("m/generation")

type identity struct {
	Schema     int    `json:"schema"`
	Instance   string `json:"instance"`
	Generation uint64 `json:"generation"` // number of times opened
	Place      string `json:"place"`      // path of the directory, when it was opened last
	Sum        string `json:"sum"`        // of the others
}

// sum tells another schema from damage.
func (id identity) sum() string {
	return fmt.Sprintf("%08x", crc32.Checksum(fmt.Appendf(nil, "%d %s %d %s", id.Schema, id.Instance, id.Generation, id.Place), castagnoli))
}

// readIdentity reads the directory's file, or writes it as the first thing in
// an empty directory.
func readIdentity(root *os.Root, path string) (identity, error) {
	id, err := findIdentity(root, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id = identity{Schema: schema, Instance: rand.Text()}
	return id, id.save(root)
}

// findIdentity reads the directory's file. The error is fs.ErrNotExist if the
// directory is empty.
func findIdentity(root *os.Root, path string) (identity, error) {
	data, err := root.ReadFile(identityFile)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, cmp.Or(mustBeEmpty(root, path), err)
	}
	if err != nil {
		return identity{}, fmt.Errorf("state: read %s: %w", identityFile, err)
	}
	var id identity
	if err := json.Unmarshal(data, &id); err != nil {
		return identity{}, &DamageError{path, identityFile, err}
	}
	switch ours := id.Schema == schema; {
	case id.Sum != id.sum() && (ours || id.Sum != ""):
		return identity{}, &DamageError{path, identityFile, errors.New("its checksum is wrong")}
	case !ours:
		return identity{}, fmt.Errorf("state: %s has schema %d and this program reads %d: "+
			"finish its runs with the version that began them, or choose another directory: "+
			"then what was bought can be adopted (baler doctor --adopt)", path, id.Schema, schema)
	}
	return id, nil
}

// mustBeEmpty refuses a directory with other files.
func mustBeEmpty(root *os.Root, path string) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return fmt.Errorf("state: read directory: %w", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case identityFile + ".tmp": // a first Open was cut short
		case indexDir:
			return &DamageError{path, identityFile, errors.New("it is missing beside an index")}
		default:
			return fmt.Errorf("state: %s holds other files (%s) and no %s: choose another directory",
				path, e.Name(), identityFile)
		}
	}
	return nil
}

func (id identity) save(root *os.Root) error {
	id.Sum = id.sum()
	data, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("state: encode %s: %w", identityFile, err)
	}
	return writeFile(root, identityFile, append(data, '\n'))
}

// advance checks the index against the file and moves both one generation on,
// the index first, so that it is never behind unless it lost something.
func (id identity) advance(root *os.Root, index *Badger, path string) error {
	ctx := context.Background()
	var generation uint64
	switch r, err := index.Get(ctx, generationKey); {
	case err == nil && len(r.Value) < 8:
		return &DamageError{path, indexDir, fmt.Errorf("its generation has %d bytes", len(r.Value))}
	case err == nil && string(r.Value[8:]) != id.Instance:
		return &DamageError{path, indexDir, fmt.Errorf("it is not of the directory that %s names: one of them is another's", identityFile)}
	case err == nil:
		generation = binary.BigEndian.Uint64(r.Value)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	if generation < id.Generation {
		return &DamageError{path, indexDir, fmt.Errorf("it has lost records (generation %d, was %d)", generation, id.Generation)}
	}
	if err := id.settle(path); err != nil {
		return err
	}
	id.Generation = generation + 1
	if err := index.Commit(ctx, id.canary()); err != nil {
		return err
	}
	return id.save(root)
}

// canary is the op that records in the index whose it is, and its generation.
func (id identity) canary() Op {
	value := binary.BigEndian.AppendUint64(nil, id.Generation)
	return Put(generationKey, append(value, id.Instance...), id.Generation)
}
