package source_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/retry"
)

func TestDeadLettersAreRowsUnderTheirIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead.jsonl")
	letters, err := retry.OpenDeadLetters[source.Row](path)
	if err != nil {
		t.Fatal(err)
	}
	const row = `{"text":"<&>","n":9007199254740993}`
	for _, id := range []string{"a", "line:7"} {
		if err := letters.Append(retry.DeadLetter[source.Row]{ID: id, Class: retry.Permanent, Reason: "no", Item: source.Row{JSON: json.RawMessage(row)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := letters.Write(retry.Row[source.Row]{Item: source.Row{JSON: json.RawMessage(row)}}); err != nil { // of no job
		t.Fatal(err)
	}
	if err := letters.Close(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for r, err := range source.DeadLetters(path).Items() {
		if len(ids) == 2 {
			if err == nil {
				t.Errorf("a letter without an id: %+v", r)
			}
			return
		}
		if err != nil || string(r.JSON) != row || r.Line != len(ids)+1 {
			t.Fatalf("%+v, %v", r, err)
		}
		ids = append(ids, r.ID)
	}
	t.Errorf("got %v, and no error", ids)
}
