package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A language is where scripts run.
type language struct {
	name, extension, interpreter string
	// install makes sure that the interpreter and the packages are there.
	install func(ctx context.Context) error
	// version returns that of the client of a provider.
	version func(provider string) string
}

var languages = []language{
	{name: "npm", extension: ".mjs", interpreter: "node", install: installNPM, version: versionNPM},
	{name: "python", extension: "_client.py", interpreter: venv + "/bin/python", install: installPython, version: versionPython},
	{name: "java", extension: ".java", interpreter: "java", install: findJava, version: versionJava},
}

const venv = "python/.venv"

// packages are the clients by provider.
var packages = map[string]map[string]string{
	"npm": {
		"ai": "ai", "anthropic": "@anthropic-ai/sdk", "gemini": "@google/genai", "groq": "groq-sdk",
		"mistral": "@mistralai/mistralai", "openai": "openai", "together": "together-ai",
	},
	"python": {
		"anthropic": "anthropic", "gemini": "google-genai", "groq": "groq", "langchain": "langchain-openai",
		"litellm": "litellm", "mistral": "mistralai", "openai": "openai", "plain": "requests", "together": "together",
	},
}

// patience is how long an installation may take if not everything is asked for.
const patience = time.Minute

func installNPM(ctx context.Context) error {
	return install(ctx, "npm/package-lock.json", "npm/node_modules/.installed",
		[]string{"npm", "ci", "--prefix", "npm", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"})
}

// requirements are the packages for Python, those that only -hold calls last.
var requirements = []string{"python/requirements.txt", "python/hold/requirements.txt"}

func installPython(ctx context.Context) error {
	pip := func(list string) []string {
		return []string{venv + "/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", list}
	}
	err := install(ctx, requirements[0], venv+"/installed", []string{"python3", "-m", "venv", venv}, pip(requirements[0]))
	if err == nil && *hold && !*fast {
		err = install(ctx, requirements[1], venv+"/installed-hold", pip(requirements[1]))
	}
	return err
}

// install runs commands unless the list that they go by is that of the last
// time.
func install(ctx context.Context, list, stamp string, commands ...[]string) error {
	wanted, err := os.ReadFile(list) //nolint:gosec // a file of the project
	if err != nil {
		return err
	}
	if had, err := os.ReadFile(stamp); err == nil && bytes.Equal(had, wanted) { //nolint:gosec // likewise
		return nil
	}
	if *fast {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, patience)
		defer stop()
	}
	for _, command := range commands {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // from above
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(command, " "), errors.Join(err, context.Cause(ctx)))
		}
	}
	return os.WriteFile(stamp, wanted, 0o644) //nolint:gosec // a file that is ignored
}

func versionNPM(provider string) string {
	var list struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	text, _ := os.ReadFile("npm/package.json")
	_ = json.Unmarshal(text, &list) // or there is no version
	name := packages["npm"][provider]
	return name + " " + list.Dependencies[name]
}

func versionPython(provider string) string {
	for _, list := range requirements {
		text, _ := os.ReadFile(list) //nolint:gosec // from above
		for line := range strings.Lines(string(text)) {
			if name, version, _ := strings.Cut(strings.TrimSpace(line), "=="); name == packages["python"][provider] {
				return name + " " + version
			}
		}
	}
	return ""
}

// findJava is all that Java needs: its clients are its own.
func findJava(context.Context) error {
	_, err := exec.LookPath("java")
	return err
}

func versionJava(string) string {
	said, _ := exec.Command("java", "-version").CombinedOutput() //nolint:noctx // it ends at once; or there is no version
	first, _, _ := strings.Cut(string(said), "\n")
	return first
}
