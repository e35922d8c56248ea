package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/balerhq/baler/interop/play"
	"github.com/balerhq/baler/interop/recorded"
)

// A script drives the simulator with the client of one language for one
// provider.
type script struct {
	language, provider, file string
}

func (s script) name() string { return s.language + "/" + s.provider }

// findScripts returns the scripts of these names in a directory of each language,
// or those that are to run without any: all, or a choice of them.
func findScripts(names []string, below string, choice []string) (scripts []script, err error) {
	if len(names) == 0 && *fast {
		names = choice
	}
	for _, language := range languages {
		files, err := filepath.Glob(language.name + "/" + below + "*" + language.extension)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			provider := strings.TrimSuffix(filepath.Base(file), language.extension)
			s := script{language: language.name, provider: provider, file: file}
			if provider != "lib" && (len(names) == 0 || slices.Contains(names, s.name())) {
				scripts = append(scripts, s)
			}
		}
	}
	if len(scripts) < max(1, len(names)) {
		return nil, fmt.Errorf("there are not all of the scripts %q: run it in interop/, without names for all", names)
	}
	return scripts, nil
}

// run runs the script and compares what its client sent with the recording.
func (s script) run(ctx context.Context, l language) row {
	r := row{language: s.language, provider: s.provider, version: l.version(s.provider)}
	stage, err := play.Start(ctx, s.provider)
	if err != nil {
		r.err = err
		return r
	}
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, l.interpreter, s.file) //nolint:gosec // a script of the project
	cmd.Env = append(os.Environ(), "SIMULATOR_URL="+stage.Quick.URL, "SLOW_SIMULATOR_URL="+stage.Slow.URL, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&output, os.Stdout), os.Stderr
	fmt.Printf("\n%s %s\n", s.name(), r.version)
	r.err = cmd.Run()
	for lines := bufio.NewScanner(&output); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ok ") {
			r.passed++
		}
	}
	if r.err == nil && r.passed == 0 {
		r.err = errors.New("no step was passed")
	}
	if r.err == nil {
		r.err = s.compare(stage.Requests())
	}
	r.err = errors.Join(r.err, stage.Close())
	return r
}

// compare compares what the client sent with what it sent before, or records
// it.
func (s script) compare(sent []recorded.Request) error {
	file := "testdata/requests/" + s.language + "-" + s.provider + ".jsonl"
	if *record {
		return recorded.Write(file, sent)
	}
	before, err := recorded.Read(file)
	if err != nil {
		return fmt.Errorf("%w: record it with -record", err)
	}
	for _, pair := range []struct {
		name       string
		these, all []recorded.Request
	}{{"is new", sent, before}, {"was sent before", before, sent}} {
		for _, q := range pair.these {
			if differences, found := recorded.Closest(q, pair.all); !found || len(differences) > 0 {
				return fmt.Errorf("the client sends something else than in %s: %s %s: %v: look at it, and record it with -record", file, q.Call, pair.name, differences)
			}
		}
	}
	return nil
}
