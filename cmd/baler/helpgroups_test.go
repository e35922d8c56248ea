package main

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/spf13/pflag"
)

// The help of a command that runs rows shows each of its flags once, under a
// heading.
func TestHelpHasEachFlagOnce(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"run", "retry", "plan", "preview"} {
		root := newRoot()
		var b bytes.Buffer
		root.SetOut(&b)
		root.SetArgs([]string{name, "--help"})
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			want := 1
			if f.Hidden {
				want = 0
			}
			line := regexp.MustCompile(`(?m)^  (-.,|   ) --` + f.Name + `( |$|\[)`)
			if n := len(line.FindAllString(b.String(), -1)); n != want {
				t.Errorf("%s: --%s is shown %d times, want %d", name, f.Name, n, want)
			}
		})
		if twice := regexp.MustCompile(`\(default[^()]*\)\s+\(default`).FindString(b.String()); twice != "" {
			t.Errorf("%s: %q", name, twice)
		}
		for _, g := range flagGroups[:3] {
			if has := bytes.Contains(b.Bytes(), []byte("\n"+g.heading+":\n")); !has && (cmd.Flag(g.flags[0]) != nil) {
				t.Errorf("%s: no heading %q", name, g.heading)
			}
		}
	}
}
