package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
)

// A proxy is baler serve in a process, which may be killed and started again
// with the same state.
type proxy struct {
	command, addr, state string
	flags, env           []string
	log                  io.Writer
	cmd                  *exec.Cmd // nil while it does not run
}

// services is how many lines the proxy prints, a variable for each service.
const services = 6

// start starts it and returns the variables that it prints.
func (p *proxy) start(ctx context.Context) (variables []string, err error) {
	if p.addr == "" {
		p.addr = "127.0.0.1:0"
	}
	args := append([]string{"serve", "--addr", p.addr, "--state", p.state, "--poll", "100ms", "--batch-window", "500ms", "--grace", "5s"}, p.flags...)
	p.cmd = exec.CommandContext(ctx, p.command, args...) //nolint:gosec // built from here
	p.cmd.Env, p.cmd.Stderr = append(os.Environ(), p.env...), p.log
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		p.cmd = nil
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for len(variables) < services && lines.Scan() {
		variables = append(variables, lines.Text())
	}
	if len(variables) < services {
		return nil, errors.Join(errors.New("baler serve prints no addresses"), p.stop(os.Kill))
	}
	return variables, nil
}

// stop ends it. With os.Kill it has no time for anything.
func (p *proxy) stop(how os.Signal) error {
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Signal(how)
	ended := p.cmd.Wait()
	p.cmd = nil
	if how == os.Kill {
		return err
	}
	return errors.Join(err, ended)
}
