package wiretest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// RecordingsVariable names a directory of recorded requests of official
// clients: text files in which a body is a line of its own.
const RecordingsVariable = "BALER_RECORDINGS"

// Recordings returns the JSON objects in recorded bodies that have the member,
// wherever they are in them. Without recordings the test is skipped.
func Recordings(t *testing.T, member string) []string {
	t.Helper()
	dir := os.Getenv(RecordingsVariable)
	if dir == "" {
		t.Skip(RecordingsVariable + " names no directory of recorded requests")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no recordings, %v", dir, err)
	}
	var bodies []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			bodies = collect(bodies, json.RawMessage(line), member)
		}
	}
	return bodies
}

func collect(bodies []string, v json.RawMessage, member string) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(v, &object) == nil {
		if object[member] != nil {
			return append(bodies, string(v))
		}
		for _, inner := range object {
			bodies = collect(bodies, inner, member)
		}
		return bodies
	}
	var list []json.RawMessage
	if json.Unmarshal(v, &list) == nil {
		for _, inner := range list {
			bodies = collect(bodies, inner, member)
		}
	}
	return bodies
}
