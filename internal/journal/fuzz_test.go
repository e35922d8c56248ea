package journal

import (
	"bytes"
	"errors"
	"testing"
)

// Whatever a file holds, what is replayed are the lines that were written, and
// what is appended then is found behind them.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		var written []byte
		again := func(record []byte) error {
			written = append(written, encode(record)...)
			return nil
		}
		end, err := read(bytes.NewReader(content), again)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if !bytes.Equal(written, content[:end]) {
			t.Fatalf("%q was replayed from %q", written, content[:end])
		}
		longer := append(bytes.Clone(written), encode([]byte(`"next"`))...)
		written = nil
		if _, err := read(bytes.NewReader(longer), again); err != nil || !bytes.Equal(written, longer) {
			t.Fatalf("%q was replayed from %q: %v", written, longer, err)
		}
	})
}
