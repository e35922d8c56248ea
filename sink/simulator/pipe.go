package simulator

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// StartPipe is [Start] without a network: only the client that
// [Server.Client] returns reaches the Simulator, over connections in memory.
// That makes it usable in a testing/synctest bubble, where a wait for a real
// network would keep time from passing.
func StartPipe(cfg Config) (*Server, error) {
	sim, err := New(cfg)
	if err != nil {
		return nil, err
	}
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return serve(l, "http://simulator", sim, l.dial), nil
}

// A pipeListener accepts connections made with net.Pipe.
type pipeListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "simulator" }

// Client returns a client that reaches the Server. Its connections are closed
// by Close.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: s.transport}
}
