package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// simulate runs the command until it listens.
func simulate(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs(append([]string{"simulate", "--addr", "127.0.0.1:0"}, args...))
	err = root.ExecuteContext(ctx)
	return out.String(), err
}

func TestSimulatePrintsTheURLOfEachProvider(t *testing.T) {
	t.Parallel()
	out, err := simulate(t, "--chaos", "--provider", "openai")
	lines := slices.Collect(strings.Lines(out))
	if err != nil || len(lines) != 1+len(simulator.Providers()) {
		t.Fatalf("%v: %s", err, out)
	}
	if !strings.HasPrefix(lines[0], "simulator: http://127.0.0.1:") || !strings.HasSuffix(lines[0], "/v1\n") || strings.Contains(lines[0], "/openai/") {
		t.Errorf("the first line is %q", lines[0])
	}
	for i, name := range simulator.Providers() {
		if line := lines[i+1]; !strings.HasPrefix(line, name+": http://127.0.0.1:") || !strings.Contains(line, "/"+name) {
			t.Errorf("%s has the line %q", name, line)
		}
	}
	if _, err := simulate(t, "--provider", "opnai"); exitCode(err) != exitUsage || !strings.Contains(err.Error(), `"openai"`) {
		t.Errorf("an unknown provider: %v", err)
	}
}

// Every provider that the simulator plays has its creations and downloads
// broken.
func TestChaosMeetsEveryProvider(t *testing.T) {
	t.Parallel()
	for _, root := range simulator.Providers() {
		cfg := simulator.Config{Provider: root}
		faults := chaosFaults(cfg)
		met := make(map[string][]simulator.Action)
		for _, route := range cfg.Routes() {
			for _, f := range faults {
				if f.Route == route.Name {
					met[route.Provider] = append(met[route.Provider], f.Action)
				}
			}
		}
		for _, name := range simulator.Providers() {
			for _, want := range []simulator.Action{simulator.ActionResetAfter, simulator.ActionFail, simulator.ActionTruncate} {
				if !slices.Contains(met[name], want) {
					t.Errorf("with %s at the root %s does not meet %q", root, name, want)
				}
			}
		}
	}
}
