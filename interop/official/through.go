package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/balerhq/baler/interop/play"
	"github.com/balerhq/baler/sink/simulator"
)

// A way is what scripts in a directory of each language do through baler serve.
type way struct {
	below  string
	choice []string // what -fast runs
	run    func(context.Context, *session) (passed int, err error)
}

// A session is a script that runs through a proxy of its own.
type session struct {
	script

	language language
	command  string // of baler
	log      transcript
}

// transcript keeps what the processes of a session print, whole lines that are
// not mixed with those of another.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

// atOnce is how many scripts run at a time. Most of them wait.
const atOnce = 3

// throughBaler runs scripts of official clients through baler serve, unchanged.
func throughBaler(ctx context.Context, names []string, w way) (passed bool, err error) {
	dir, err := os.MkdirTemp("", "baler-hold-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	command := filepath.Join(dir, "baler")
	build := exec.CommandContext(ctx, "go", "build", "-o", command, "./cmd/baler")
	build.Dir, build.Stderr = "..", os.Stderr
	if err := build.Run(); err != nil {
		return false, fmt.Errorf("build baler: %w", err)
	}
	scripts, err := findScripts(names, w.below, w.choice)
	if err != nil {
		return false, err
	}
	rows := make([]row, len(scripts))
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, l := range languages {
		missing := l.install(ctx)
		for k, s := range scripts {
			if s.language != l.name {
				continue
			}
			rows[k] = row{language: s.language, provider: s.provider, version: l.version(s.provider)}
			if missing != nil {
				rows[k].err, rows[k].untried = fmt.Errorf("not tried: %w", missing), true
				continue
			}
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				x := session{script: s, language: l, command: command}
				rows[k].passed, rows[k].err = w.run(ctx, &x)
				fmt.Printf("\n%s %s\n%s", s.file, rows[k].version, x.log.text.String())
			})
		}
	}
	all.Wait()
	return printTable(rows), nil
}

// A stage is a provider, and a proxy in front of it.
type stage struct {
	*proxy

	provider  *simulator.Server
	variables []string // for programs
}

// open starts a provider whose batches take so long, and a proxy whose services
// are all that one.
func (s *session) open(ctx context.Context, batch time.Duration, p proxy) (*stage, error) {
	provider, err := simulator.Start("", simulator.Config{Keys: play.Keys, Latency: simulator.Latency{Processing: batch}})
	if err != nil {
		return nil, err
	}
	openai := provider.BaseURL("openai")
	p.env = append(p.env, "OPENAI_BASE_URL="+openai, "GROQ_BASE_URL="+openai, "TOGETHER_BASE_URL="+openai,
		"ANTHROPIC_BASE_URL="+provider.BaseURL("anthropic"), "GOOGLE_GEMINI_BASE_URL="+provider.BaseURL("gemini"))
	p.flags = append(p.flags, "--provider", "mistral", "--base-url", provider.BaseURL("mistral"))
	p.command, p.log = s.command, &s.log
	x := &stage{proxy: &p, provider: provider}
	if p.state, err = os.MkdirTemp("", "baler-hold-state-"); err == nil {
		x.variables, err = p.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, x.close())
	}
	return x, nil
}

// close stops the proxy as a user does, and the provider.
func (x *stage) close() error {
	return errors.Join(x.stop(os.Interrupt), os.RemoveAll(x.state), x.provider.Close())
}

// program is the script as a process that calls through a proxy.
func (s *session) program(ctx context.Context, x *stage, variables ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.language.interpreter, s.file) //nolint:gosec // a script of the project
	cmd.Env = append(os.Environ(), x.variables...)
	cmd.Env = append(cmd.Env, "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+s.language.name+"/hold")
	cmd.Env = append(cmd.Env, variables...)
	cmd.Stderr = &s.log
	return cmd
}

// ask runs the script, and returns how many steps it has passed and how many
// rows it says that it has asked for.
func (s *session) ask(ctx context.Context, x *stage, variables ...string) (passed, rows int, err error) {
	var output bytes.Buffer
	cmd := s.program(ctx, x, variables...)
	cmd.Stdout = io.MultiWriter(&output, &s.log)
	if err := cmd.Run(); err != nil {
		return 0, 0, err
	}
	passed, rows = count(&output)
	return passed, rows, nil
}
