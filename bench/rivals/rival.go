package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// clients has the programs of the rivals and the versions that they need.
//
//go:embed clients
var clients embed.FS

// rival is a Python package.
type rival struct {
	name, version string   // its own version; all others are in clients/NAME.txt
	pythons       []string // that its versions are known to install on
}

var rivals = []rival{
	{"batchor", "0.0.7", []string{"python3.13", "python3.12"}},
	{"batchling", "0.1.0a3", []string{"python3.13", "python3.12"}},
	{"batchata", "0.4.7", []string{"python3.13", "python3.12"}},
	{"curator", "0.1.31", []string{"python3.11"}}, // whose pandas has no wheel for 3.13
}

// install makes the virtual environment of a rival, unless it is there, and
// returns its interpreter.
func (r rival) install(ctx context.Context, work string) (python string, err error) {
	venv := filepath.Join(*venvs, r.name)
	python = filepath.Join(venv, "bin", "python")
	done := filepath.Join(venv, "installed "+r.version)
	if _, err := os.Stat(done); err == nil {
		return python, nil
	}
	base, err := r.interpreter()
	if err != nil {
		return "", err
	}
	for _, args := range [][]string{
		{base, "-m", "venv", "--clear", venv},
		{python, "-m", "pip", "install", "-q", "--no-deps", "-r", filepath.Join(work, "clients", r.name+".txt")},
	} {
		if printed, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("install %s: %w: %s", r.name, err, printed)
		}
	}
	return python, os.WriteFile(done, nil, 0o600)
}

func (r rival) interpreter() (string, error) {
	for _, name := range r.pythons {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s %s needs one of %v; leave it out with -only", r.name, r.version, r.pythons)
}
