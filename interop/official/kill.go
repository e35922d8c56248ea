package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// killed are programs that say when their proxy is to be killed.
var killed = way{below: "killed/", run: func(ctx context.Context, s *session) (passed int, err error) {
	t := trial{batch: 4 * time.Second, patience: 25 * time.Second, calls: 100}
	addr, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	x, err := s.open(ctx, t.batch, proxy{addr: addr})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, x.close()) }()
	output, err := s.killing(ctx, x, t)
	if err != nil {
		return 0, err
	}
	passed, rows := count(output)
	return passed, s.paidOnce(x.provider, rows, t.calls)
}}

// killing runs a script, does with the proxy what it says, and returns what it
// has printed.
func (s *session) killing(ctx context.Context, x *stage, t trial) (*bytes.Buffer, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	cmd := s.program(running, x, t.variables()...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	output := new(bytes.Buffer)
	for lines := bufio.NewScanner(out); lines.Scan() && err == nil; {
		fmt.Fprintln(output, lines.Text())
		fmt.Fprintln(&s.log, lines.Text())
		err = x.obey(ctx, lines.Text())
	}
	if err != nil {
		stop()
	}
	return output, errors.Join(err, cmd.Wait())
}

// obey does with the proxy what a script says. The words "once bought" wait for
// a batch that was not there before.
func (x *stage) obey(ctx context.Context, line string) error {
	what, bought := strings.CutSuffix(line, " once bought")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for before := len(x.provider.Batches()); bought && len(x.provider.Batches()) == before; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	var err error
	if what == "kill" || what == "restart" {
		err = x.stop(os.Kill)
	}
	if what == "start" || what == "restart" {
		_, started := x.start(ctx)
		err = errors.Join(err, started)
	}
	return err
}

// freeAddress returns one that nothing listens on.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
