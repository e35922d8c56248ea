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
		r := reader{}
		again := func(record []byte) error {
			written = append(written, encode(line{r.of, r.lines, record})...)
			return nil
		}
		err := r.read(bytes.NewReader(content), again)
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if !bytes.Equal(written, content[:r.end]) {
			t.Fatalf("%q was replayed from %q", written, content[:r.end])
		}
		longer := append(bytes.Clone(written), encode(line{r.of, r.lines + 1, []byte(`"next"`)})...)
		written, r = nil, reader{}
		if err := r.read(bytes.NewReader(longer), again); err != nil || !bytes.Equal(written, longer) {
			t.Fatalf("%q was replayed from %q: %v", written, longer, err)
		}
	})
}
