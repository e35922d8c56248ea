package retry_test

import (
	"os"
	"testing"

	"github.com/balerhq/baler/retry"
)

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDeadLettersAreForTheirOwnerAlone(t *testing.T) {
	path := t.TempDir() + "/dead.jsonl"
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	letters, err := retry.OpenDeadLetters[string](path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = letters.Close() }()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %s, %v; want 0600", info.Mode(), err)
	}
	if _, err := retry.OpenDeadLetters[string](t.TempDir()); err == nil {
		t.Error("a directory is a dead-letter file")
	}
}
