package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// One row with a wrong url fails with what the provider says, which is also
// told at once; the other nine are answered, and there is nothing to do again.
func TestARowWithAWrongURLFailsAlone(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	rows := make([]string, 10)
	for i := range rows {
		url := "/v1/chat/completions"
		if i == 9 {
			url = "/v1/chat/completion"
		}
		rows[i] = fmt.Sprintf(`{"custom_id":"r%d","method":"POST","url":%q,"body":{"model":"m","messages":[{"role":"user","content":"hi"}]}}`, i, url)
	}
	writeFile(t, dir, "in.jsonl", rows...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl")
	r := runCommand(t, dir, withKey, args...)
	if r.code != exitFailed || !r.says("succeeded 9") || !r.says("failed 1") || !strings.Contains(r.stderr, "invalid_value") || !r.says("batches 1 and 1 refused") {
		t.Errorf("%+v", r)
	}
	got := readResults(t, filepath.Join(dir, "out.jsonl"))
	if bad := got["r9"]; len(got) != 10 || bad.Error == nil || bad.Error.Code != "invalid_value" || !strings.Contains(bad.Error.Message, "/v1/chat/completion") {
		t.Errorf("%+v", got)
	}
	if again := runCommand(t, dir, withKey, args...); again.code != exitFailed || len(server.Batches()) != 1 {
		t.Errorf("again: %+v, %d batches", again, len(server.Batches()))
	}
}
