package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/catalog"
)

// The list of providers has all of them, and no value of a variable.
func TestProvidersAreListed(t *testing.T) {
	t.Parallel()
	const secret = "canary"
	var env []string
	for _, p := range withClient() {
		env = append(env, p.Keys[0]+"="+secret)
		if p.BaseURLVariable != "" {
			env = append(env, p.BaseURLVariable+"=https://user:"+secret+"@host")
		}
	}
	text := runCommand(t, t.TempDir(), env[:1], "providers")
	encoded := runCommand(t, t.TempDir(), env, "providers", "--json")
	var of struct{ Providers []described }
	if err := json.Unmarshal([]byte(encoded.stdout), &of); err != nil || text.code != exitOK {
		t.Fatalf("%v: %+v, %+v", err, encoded, text)
	}
	all := of.Providers
	if strings.Contains(text.stdout+text.stderr+encoded.stdout+encoded.stderr, secret) {
		t.Errorf("a value is in %s or %s", text.stdout, encoded.stdout)
	}
	if len(all) != len(withClient()) || strings.Count(text.stdout, "(set)") != 1 || strings.Count(text.stdout, "(not set)") != len(all)-1 {
		t.Errorf("%d providers: %s", len(all), text.stdout)
	}
	for i, p := range withClient() {
		d, err := p.Describe()
		if err != nil {
			t.Fatal(err)
		}
		if all[i].Name != p.Name || !all[i].KeySet || all[i].BaseURLSet != (p.BaseURLVariable != "") || all[i].Rows != d.Rows {
			t.Errorf("%+v, want %+v", all[i], d)
		}
		for _, f := range append(d.Features(), catalog.Feature{Name: p.Name, Value: strings.Join(p.Caveats, "\n  ")}) {
			if !strings.Contains(text.stdout, f.Name) || !strings.Contains(text.stdout, f.Value) {
				t.Errorf("%s lacks %+v", text.stdout, f)
			}
		}
	}
}

// The table in README.md is that of the catalog.
func TestReadmeComparesTheProviders(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []catalog.Description
	for _, p := range withClient() {
		d, err := p.Describe()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if want := catalog.Table(all); !strings.Contains(string(b), "\n"+want+"\n") {
		t.Errorf("README.md has another table of providers. Put this in its place:\n%s", want)
	}
}
