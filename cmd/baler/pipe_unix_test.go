//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// The example with pipes works as it stands, with the command that it calls.
func TestTheExampleWithPipes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("there is no jq")
	}
	server, dir := startSimulator(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if strings.Contains(string(r.Body), "burning") {
			return simulator.Reply{Text: `{"category":"fire","urgent":true}`}
		}
		return simulator.Reply{Text: `{"category":"bill","urgent":false}`}
	}}), t.TempDir()
	script, err := filepath.Abs("../../examples/pipe/urgent.sh")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "baler")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), script, "--base-url", server.URL+"/openai/v1", "--poll", "20ms")
	cmd.Dir = dir
	cmd.Env = append([]string{asBaler + "=1", "HOME=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH")}, withKey...)
	cmd.Stdin = strings.NewReader(`{"id":"a","text":"My bill is wrong","more":1}` + "\n" + `{"id":"b","text":"It is burning"}` + "\n" + `{"id":"c","text":""}` + "\n")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stdout.String() != "b\n" {
		t.Errorf("%v: %q, and on standard error %s", err, stdout.String(), stderr.String())
	}
}
