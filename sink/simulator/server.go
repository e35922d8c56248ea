package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a [Simulator] that listens. Close it to stop both.
type Server struct {
	*Simulator

	// URL is where it listens, such as http://127.0.0.1:43117, without a
	// slash at the end. Clients want BaseURL.
	URL string

	http      *http.Server
	done      chan struct{}   // closed when it serves no more
	served    error           // why; set before done is closed
	transport *http.Transport // of Client
	close     func() error    // once
}

// Start opens a Simulator and serves it on addr, a host and port as for
// [net.Listen]. Port 0 means a free one, and an empty addr a free port on
// loopback, which is what tests want.
func Start(addr string, cfg Config) (*Server, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	sim, err := New(cfg)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return serve(l, "http://"+l.Addr().String(), sim, nil), nil
}

// dialer is how a client gets a connection; nil for the network.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func serve(l net.Listener, url string, sim *Simulator, dial dialer) *Server {
	s := &Server{
		Simulator: sim,
		URL:       url,
		http:      &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute},
		done:      make(chan struct{}),
		transport: &http.Transport{DialContext: dial},
	}
	s.close = sync.OnceValue(s.shutDown)
	go func() {
		defer close(s.done)
		s.served = s.http.Serve(l)
	}()
	return s
}

// BaseURL returns the base URL that clients of a provider want, such as
// http://127.0.0.1:43117/openai/v1. Without a name it is that of
// Config.Provider, without a prefix. It is empty if there is no such provider.
func (s *Server) BaseURL(provider string) string {
	m, known := s.mounts[provider]
	if provider == "" {
		m, known = s.root, true
	}
	if !known {
		return ""
	}
	return s.URL + m.prefix + m.protocol.Info().BasePath
}

// Wait returns when ctx is done or the server can no longer serve. It closes
// the server and returns what Close returns.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-s.done:
	}
	return s.Close()
}

// Close stops listening, gives requests that are being answered up to 5 seconds
// to finish, and closes the Simulator. Requests that hang because of a fault
// are cut off. Closing again does nothing and returns the same.
func (s *Server) Close() error { return s.close() }

func (s *Server) shutDown() error {
	s.stop() // lets requests that wait for something go
	s.transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.done
	if !errors.Is(s.served, http.ErrServerClosed) {
		err = errors.Join(err, s.served)
	}
	return errors.Join(err, s.Simulator.Close())
}
