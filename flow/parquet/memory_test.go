package parquet_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/balerhq/baler/flow/parquet"
)

// A file of 100,000 rows and 40 MB is read without being in memory.
func TestAFileIsReadInBoundedMemory(t *testing.T) {
	const n, size, inGroup, most = 100_000, 400, 10_000, 16 << 20
	path := filepath.Join(t.TempDir(), "rows.parquet")
	writeRandom(t, path, n, size, inGroup)

	before, rows := live(), 0
	f := parquet.Source[ticket](path)
	for item, err := range f.Items() {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		if item.ID != strconv.Itoa(rows) || len(item.Text) != size {
			t.Fatalf("row %d is %q with %d bytes", rows, item.ID, len(item.Text))
		}
		if rows%inGroup == inGroup/2 {
			if held := live() - before; held > most {
				t.Fatalf("%d bytes are held at row %d", held, rows)
			}
		}
	}
	if rows != n {
		t.Errorf("%d rows", rows)
	}
}

// live returns the bytes that are in use.
func live() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// writeRandom writes rows that compress badly.
func writeRandom(t *testing.T, path string, n, size, inGroup int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pq.NewGenericWriter[ticket](f, pq.MaxRowsPerRowGroup(int64(inGroup)))
	random := rand.NewChaCha8([32]byte{})
	text := make([]byte, size)
	for i := range n {
		_, _ = random.Read(text)
		for j := range text {
			text[j] = 'a' + text[j]%26
		}
		if _, err := w.Write([]ticket{{strconv.Itoa(i + 1), string(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
