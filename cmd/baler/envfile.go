package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// loadEnvFile lets all commands take variables from a file, such as the keys of
// providers. No file is read that was not named.
func loadEnvFile(root *cobra.Command) {
	file := root.PersistentFlags().String("env-file", "", "file with variables, one NAME=value per line, such as keys of providers; those that are set already win")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *file == "" {
			return nil
		}
		return setVariables(*file)
	}
}

func setVariables(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return usage("read --env-file: %w", err)
	}
	for n, line := range strings.Split(string(data), "\n") {
		name, value, err := envLine(line)
		if err != nil {
			return usage("%s:%d: %w", file, n+1, err)
		}
		if _, set := os.LookupEnv(name); name == "" || set {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return usage("%s:%d: %q cannot be a variable", file, n+1, name)
		}
	}
	return nil
}

// envLine reads a line. One without a variable has no name. No error quotes
// what a line says, as it may be a secret.
func envLine(line string) (name, value string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return "", "", nil
	}
	name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
	if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t\"'") {
		return "", "", errors.New("must be NAME=value, a comment that begins with #, or empty")
	}
	value = strings.TrimSpace(value)
	if value == "" || !strings.ContainsRune(`"'`, rune(value[0])) {
		return name, value, nil
	}
	quote := value[:1]
	inner, ok := strings.CutSuffix(value[1:], quote)
	if !ok || strings.Contains(inner, quote) {
		return "", "", fmt.Errorf("the value of %s begins with a quote and does not end with it", name)
	}
	return name, inner, nil
}
