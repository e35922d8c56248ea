package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// README.md and the help have the table of the code, and the table has each
// code that a command ends with.
func TestExitCodesAreTold(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := exitCodesTable(); !strings.Contains(string(b), "\n"+want+"\n") {
		t.Errorf("README.md has another table of exit codes. Put this in its place:\n%s", want)
	}
	r := runCommand(t, t.TempDir(), nil, "help", "exit-codes")
	told := make(map[int]bool)
	for _, e := range exitCodes {
		told[e.code] = true
		if !strings.Contains(r.stdout, strings.ReplaceAll(e.means, "`", `"`)) || !strings.Contains(r.stdout, e.todo[:8]) {
			t.Errorf("the help lacks %d: %+v", e.code, r)
		}
	}
	for _, k := range stopKinds {
		if !told[k.code] {
			t.Errorf("no exit code %d, of %q", k.code, k.name)
		}
	}
}
