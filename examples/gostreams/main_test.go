package main

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func files(t *testing.T, text string) (from, to string) {
	t.Helper()
	from, to = filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	if err := os.WriteFile(from, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return from, to
}

func TestTheirConnectorsInOurPipeline(t *testing.T) {
	const text = "to be or not to be\nthat is the question\n"
	from, to := files(t, text)
	words, err := countWords(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if err != nil || string(got) != text || words != 10 {
		t.Errorf("%d words, wrote %q, %v; want 10 and the same text", words, got, err)
	}
}

func TestOurStagesInTheirStream(t *testing.T) {
	from, to := files(t, "a\nb\nc\nd\ne\n")
	if err := byThrees(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "a / b / c\nd / e\n" {
		t.Errorf("wrote %q, %v", got, err)
	}
}
