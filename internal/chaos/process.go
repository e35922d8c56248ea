//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// marker is the key of the client. It must not be found anywhere afterwards.
const marker = "sk-chaos-0c5f1e7a9b-must-not-be-found"

// process is a command that was started. Its output is in files.
type process struct {
	cmd  *exec.Cmd
	out  string // the files, without their ends
	done chan struct{}
}

// launch starts a command in the directory of a world.
func launch(dir, out, path string, env []string, args ...string) (*process, error) {
	stdout, err := os.Create(out + ".out")
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := os.Create(out + ".err")
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd := exec.Command(path, args...) //nolint:noctx // it is killed on purpose, or at the end of its world
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, stdout, stderr
	cmd.Env = append([]string{"HOME=" + dir, "GOTRACEBACK=all"}, env...)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, out: out, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is asked for later
		close(p.done)
	}()
	return p, nil
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// ended waits for the end, at most so long.
func (p *process) ended(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return p.hasEnded()
}

func (p *process) hasEnded() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends it at once.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// code is the exit code; -1 if a signal ended it.
func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

func (p *process) stderr() string { return text(p.out + ".err") }
func (p *process) stdout() string { return text(p.out + ".out") }

func text(path string) string {
	b, _ := os.ReadFile(path) // what is not there says nothing
	return string(b)
}

// vendor is the provider of a world as a process.
type vendor struct {
	dir, addr string
	url       string // of its API
	cmd       *exec.Cmd
	events    chan string // what it says that it does; not all of it, if nobody listens
	done      chan struct{}
}

// start starts the provider, at the address that it had.
func (v *vendor) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if v.addr == "" {
		v.addr = "127.0.0.1:0"
	}
	stderr, err := os.OpenFile(filepath.Join(v.dir, "stderr"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer stderr.Close()
	cmd := exec.Command(self, v.addr) //nolint:noctx,gosec // it is killed on purpose, or at the end of its world
	cmd.Env = []string{asProvider + "=" + v.dir}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		_ = cmd.Wait()
		return fmt.Errorf("the provider does not start: %s", text(filepath.Join(v.dir, "stderr")))
	}
	v.url = lines.Text()
	v.addr = strings.TrimSuffix(strings.TrimPrefix(v.url, "http://"), "/v1")
	v.cmd, v.events, v.done = cmd, make(chan string, 1), make(chan struct{})
	go listen(cmd, lines, v.events, v.done)
	return nil
}

// listen passes on the newest event, if somebody waits for it.
func listen(cmd *exec.Cmd, lines *bufio.Scanner, events chan<- string, done chan<- struct{}) {
	for lines.Scan() {
		select {
		case events <- lines.Text():
		default:
		}
	}
	_ = cmd.Wait() // it was killed
	close(done)
}

// kill ends it at once, if it runs.
func (v *vendor) kill() {
	if v.cmd == nil {
		return
	}
	_ = v.cmd.Process.Kill()
	<-v.done
	v.cmd = nil
}

// pause waits, unless ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
