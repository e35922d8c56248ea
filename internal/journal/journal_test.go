package journal_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/journal"
)

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// open opens the journal in root and returns what it holds.
func open(t *testing.T, root *os.Root) (j *journal.Journal, records []string, err error) {
	t.Helper()
	j, err = journal.Open(root, "journal", "MINE", func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if err == nil {
		t.Cleanup(func() { _ = j.Close() })
	}
	return j, records, err
}

// sample returns the bytes of a journal with three records, and its lines'
// ends.
func sample(t *testing.T) (content []byte, ends []int) {
	t.Helper()
	root := openRoot(t)
	j, _, err := open(t, root)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root.Name(), "journal")
	for _, r := range sampleRecords {
		if err := j.Append(json.RawMessage(r)); err != nil {
			t.Fatal(err)
		}
		if content, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(content))
	}
	return content, ends
}

var sampleRecords = []string{`{"tag":"A","rev":1}`, `"two\nlines"`, `3`}

// holding makes a directory whose journal has this content.
func holding(t *testing.T, content []byte) *os.Root {
	t.Helper()
	root := openRoot(t)
	if err := os.WriteFile(filepath.Join(root.Name(), "journal"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestRecordsAreReplayedInOrder(t *testing.T) {
	content, _ := sample(t)
	_, got, err := open(t, holding(t, content))
	if diff := cmp.Diff(sampleRecords, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

// A journal that was torn anywhere holds the whole lines before, and goes on
// behind them.
func TestTornAtEveryByte(t *testing.T) {
	content, ends := sample(t)
	for n := range len(content) + 1 {
		whole := 0
		for _, end := range ends {
			if end <= n {
				whole++
			}
		}
		root := holding(t, content[:n])
		j, got, err := open(t, root)
		if diff := cmp.Diff(append([]string{}, sampleRecords[:whole]...), append([]string{}, got...)); err != nil || diff != "" {
			t.Fatalf("cut at %d: %v: %s", n, err, diff)
		}
		if err := errors.Join(j.Append("next"), j.Close()); err != nil {
			t.Fatal(err)
		}
		_, got, err = open(t, root)
		if want := append(append([]string{}, sampleRecords[:whole]...), `"next"`); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("cut at %d and gone on: %q, %v", n, got, err)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	content, _ := sample(t)
	for n := range 8 * len(content) {
		damaged := append([]byte{}, content...)
		damaged[n/8] ^= 1 << (n % 8)
		if _, got, err := open(t, holding(t, damaged)); !errors.Is(err, journal.ErrDamaged) {
			t.Fatalf("bit %d: %q, %v", n, got, err)
		}
	}
}

// After power failure a file may have its length but not its content.
func TestAHoleAtTheEndIsTorn(t *testing.T) {
	content, _ := sample(t)
	_, got, err := open(t, holding(t, append(content, make([]byte, 4096)...)))
	if len(got) != 3 || err != nil {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestAnErrorOfReplayStops(t *testing.T) {
	content, _ := sample(t)
	stop, n := errors.New("stop"), 0
	_, err := journal.Open(holding(t, content), "journal", "MINE", func([]byte) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("after %d records: %v", n, err)
	}
}

func TestWhatIsNotJSONLeavesNoTrace(t *testing.T) {
	root := openRoot(t)
	j, _, err := open(t, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(func() {}); err == nil {
		t.Error("no error")
	}
	if err := j.Append(1); err != nil {
		t.Errorf("an append that reached no disk ended the journal: %v", err)
	}
	if _, got, err := open(t, root); !cmp.Equal([]string{"1"}, got) || err != nil {
		t.Errorf("holds %q, %v", got, err)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	root := openRoot(t)
	j, _, err := open(t, root)
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 10 {
				if err := j.Append("record"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if _, got, err := open(t, root); len(got) != 80 || err != nil {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// A line that was lost, came twice or is of another journal is damage, although
// each line is whole.
func TestLinesOutOfTheirPlaceAreDamage(t *testing.T) {
	content, ends := sample(t)
	first, second, third := content[:ends[0]], content[ends[0]:ends[1]], content[ends[1]:]
	other := openRoot(t)
	j, err := journal.Open(other, "journal", "OTHER", func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Append(1), j.Append(2), j.Close()); err != nil {
		t.Fatal(err)
	}
	foreign, err := other.ReadFile("journal")
	if err != nil {
		t.Fatal(err)
	}
	for name, lines := range map[string][][]byte{
		"lost first":  {second, third},
		"lost":        {first, third},
		"twice":       {first, second, second, third},
		"exchanged":   {first, third, second},
		"another's":   {foreign},
		"other lines": {first, foreign[len(foreign)/2:]},
	} {
		damaged := slices.Concat(lines...)
		if _, got, err := open(t, holding(t, damaged)); !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := told(t, journal.Salvage, slices.Concat(first, foreign, third)); err != nil || !slices.Equal(got, []string{sampleRecords[0], sampleRecords[2]}) {
		t.Errorf("salvaged %q, %v", got, err)
	}
}
