package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is written to by the hook and by the sink.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func TestPairsAreReportedByFives(t *testing.T) {
	var out buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"5 pairs: 22.4 in, 7.4 out\n",
		"5 pairs: 28.8 in, 13.8 out\n",
		"minute 3 has only one reading: 8\n",
		"minute 7 has only one reading: 27\n",
		"10 minutes have both readings, 2 have one\n",
	} {
		if !strings.Contains(out.text.String(), want) {
			t.Errorf("printed %q, want it to contain %q", out.text.String(), want)
		}
	}
}
