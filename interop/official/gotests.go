package main

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// modules are the clients for Go by provider.
var modules = map[string]string{
	"anthropic": "github.com/anthropics/anthropic-sdk-go/v2",
	"gemini":    "google.golang.org/genai",
	"openai":    "github.com/openai/openai-go/v3",
}

// goTests runs the tests below go/, and counts the steps in each package: tests
// that have no tests within them.
func goTests(ctx context.Context) (rows []row, err error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-json", "./go/...")
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	passed, failed := make(map[string][]string), make(map[string]bool)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		var e struct{ Action, Package, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		switch provider := path.Base(e.Package); {
		case e.Action == "output" && strings.Contains(e.Output, "_test.go:"):
			_, _ = os.Stdout.WriteString(e.Output)
		case e.Action == "fail":
			failed[provider] = true
		case e.Action == "pass" && e.Test != "":
			passed[provider] = append(passed[provider], e.Test)
		}
	}
	err = cmd.Wait()
	for _, provider := range slices.Sorted(maps.Keys(modules)) {
		r := row{language: "go", provider: provider, version: versionGo(ctx, provider)}
		for _, test := range passed[provider] {
			if !slices.ContainsFunc(passed[provider], func(other string) bool { return strings.HasPrefix(other, test+"/") }) {
				r.passed++
			}
		}
		if failed[provider] || r.passed == 0 {
			r.err = err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func versionGo(ctx context.Context, provider string) string {
	text, _ := exec.CommandContext(ctx, "go", "list", "-m", modules[provider]).Output() //nolint:gosec // from above
	return strings.TrimSpace(string(text))
}
