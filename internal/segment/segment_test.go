package segment_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/segment"
)

// readAll collects the records of r up to the first error.
func readAll(r io.Reader) (records []string, err error) {
	for record, err := range segment.ReadAll(r) {
		if err != nil {
			return records, err
		}
		records = append(records, string(record))
	}
	return records, nil
}

func frame(records ...string) (file []byte, ends []int) {
	for _, r := range records {
		file = segment.Append(file, []byte(r))
		ends = append(ends, len(file))
	}
	return file, ends
}

var sample = []string{"one", "", "three", strings.Repeat("4", 300)}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	file, _ := frame(slices.Concat(sample, []string{long, "end"})...)
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(file), "in halves": iotest.HalfReader(bytes.NewReader(file)),
	} {
		got, err := readAll(r)
		if diff := cmp.Diff(slices.Concat(sample, []string{long, "end"}), got); err != nil || diff != "" {
			t.Errorf("%s: %v: %s", name, err, diff)
		}
	}
}

func TestPartsAreOneRecord(t *testing.T) {
	got := segment.Append([]byte("x"), []byte("a"), nil, []byte("bc"))
	if diff := cmp.Diff(segment.Append([]byte("x"), []byte("abc")), got); diff != "" {
		t.Error(diff)
	}
}

// A file that ends anywhere yields the whole records before, and an error
// unless it ends behind one.
func TestTornAtEveryByte(t *testing.T) {
	file, ends := frame(sample...)
	for n := range file {
		whole := 0
		for _, end := range ends {
			if end <= n {
				whole++
			}
		}
		got, err := readAll(bytes.NewReader(file[:n]))
		if diff := cmp.Diff(append([]string{}, sample[:whole]...), append([]string{}, got...)); diff != "" {
			t.Fatalf("cut at %d: %s", n, diff)
		}
		if between := n == 0 || slices.Contains(ends, n); between != (err == nil) || err != nil && !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	file, _ := frame(sample...)
	for n := range 8 * len(file) {
		damaged := bytes.Clone(file)
		damaged[n/8] ^= 1 << (n % 8)
		if got, err := readAll(bytes.NewReader(damaged)); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("bit %d: %q, %v", n, got, err)
		}
	}
}

// After power failure a file may have its length but not its content.
func TestAHoleIsNotARowOfEmptyRecords(t *testing.T) {
	file, _ := frame("one")
	got, err := readAll(bytes.NewReader(append(file, make([]byte, 4096)...)))
	if len(got) != 1 || !errors.Is(err, segment.ErrDamaged) {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestAnErrorOfTheReaderIsNotDamage(t *testing.T) {
	file, _ := frame("one", "two")
	broken := errors.New("broken")
	got, err := readAll(io.MultiReader(bytes.NewReader(file[:len(file)-1]), iotest.ErrReader(broken)))
	if len(got) != 1 || !errors.Is(err, broken) || errors.Is(err, segment.ErrDamaged) {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestReadingCanStop(t *testing.T) {
	file, _ := frame(sample...)
	for record, err := range segment.ReadAll(bytes.NewReader(file)) {
		if string(record) != "one" || err != nil {
			t.Errorf("went on with %q, %v", record, err)
		}
		break
	}
}

// Whatever a file holds, its records are those that were framed: writing them
// again gives the same bytes.
func FuzzReadAll(f *testing.F) {
	file, _ := frame(sample...)
	f.Add(file)
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := readAll(bytes.NewReader(file))
		again, _ := frame(got...)
		if !bytes.HasPrefix(file, again) || err == nil && len(again) != len(file) {
			t.Errorf("%d records of %d bytes, read from %d, %v", len(got), len(again), len(file), err)
		}
	})
}
