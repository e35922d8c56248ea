package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Each command has a page with all of its flags, on which no text is taken for
// markup.
func TestManPages(t *testing.T) {
	t.Parallel()
	macros := []string{".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi"}
	root, dir := newRoot(), t.TempDir()
	root.SetArgs([]string{"man", dir})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range root.Commands() {
		if cmd.Hidden || cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "baler-"+cmd.Name()+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		page := string(b)
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if n := strings.Count(page, `\fB\-\-`+roff(f.Name)+`\fR`); n != 1 && !f.Hidden {
				t.Errorf("%s: --%s is there %d times", cmd.Name(), f.Name, n)
			}
		})
		for line := range strings.Lines(page) {
			macro, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			if strings.HasPrefix(line, ".") && !slices.Contains(macros, macro) {
				t.Errorf("%s: %q is no macro", cmd.Name(), line)
			}
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "baler.1")); err != nil || !strings.Contains(string(b), ".TP\n.B run\n") || !strings.Contains(string(b), `baler\-status(1)`) {
		t.Errorf("%v: %s", err, b)
	}
}
