package journal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/balerhq/baler/internal/journal"
)

// put writes content as the journal of a new root.
func put(t *testing.T, content []byte) *os.Root {
	t.Helper()
	root := openRoot(t)
	if err := os.WriteFile(filepath.Join(root.Name(), "journal"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// told returns what a way of reading tells, and that it has changed nothing.
func told(t *testing.T, read func(*os.Root, string, string, func([]byte) error) error, content []byte) (records []string, err error) {
	t.Helper()
	root := put(t, content)
	err = read(root, "journal", "MINE", func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	after, failed := os.ReadFile(filepath.Join(root.Name(), "journal"))
	if failed != nil || !slices.Equal(after, content) {
		t.Errorf("the journal has changed: %v", failed)
	}
	return records, err
}

func TestReadTellsWhatOpenDoes(t *testing.T) {
	content, ends := sample(t)
	if got, err := told(t, journal.Read, content); err != nil || !slices.Equal(got, sampleRecords) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := told(t, journal.Read, content[:ends[1]+5]); err != nil || !slices.Equal(got, sampleRecords[:2]) {
		t.Errorf("torn: %q, %v", got, err)
	}
	content[ends[0]+10] ^= 1
	if _, err := told(t, journal.Read, content); !errors.Is(err, journal.ErrDamaged) {
		t.Errorf("flipped: %v", err)
	}
}

func TestSalvageTellsTheLinesThatAreWhole(t *testing.T) {
	content, ends := sample(t)
	content[ends[0]+10] ^= 1
	want := []string{sampleRecords[0], sampleRecords[2]}
	if got, err := told(t, journal.Salvage, content); err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := told(t, journal.Salvage, content[:ends[2]-1]); err != nil || !slices.Equal(got, want[:1]) {
		t.Errorf("torn: %q, %v", got, err)
	}
	if err := journal.Salvage(openRoot(t), "journal", "", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}
