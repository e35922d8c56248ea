package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/batchapi"
	"github.com/balerhq/baler/flow/durable"
)

// served are the routes that answer the batches of programs.
type served struct {
	routing routing
}

func (s *served) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.routing.routes, "route", nil, "answer batches that programs make at /v1/files and /v1/batches, or at /v1/messages/batches, "+
		"with a model of any provider, whose key is in the environment: [NAME=]PROVIDER/MODEL[,OPTION...], as in baler run; may be given several times")
}

// check reads the routes. None of them may lead to the proxy itself, which
// listens on own.
func (s *served) check(own string) error {
	if err := s.routing.parse(); err != nil {
		return err
	}
	for i := range s.routing.parsed {
		r := &s.routing.parsed[i]
		base := cmp.Or(r.baseURL, os.Getenv(r.entry.BaseURLVariable))
		u, err := url.Parse(base)
		switch {
		case base == "" || err != nil || !isSelf(u, own): // a wrong one is told when it is connected
		case r.baseURL != "":
			return usage("route %q: its base-url is the proxy itself", r.name)
		default: // the variable is there for programs
			r.baseURL = r.entry.BaseURL
		}
	}
	return s.routing.checkKeys()
}

// batchServer answers batches of programs.
type batchServer struct {
	*batchapi.Server
	clients  *connections
	hasToken bool // callers have shown it
}

// ServeHTTP answers a call. Without a token it must mean this machine: a site
// whose name leads here would otherwise spend the routes' keys from a browser.
func (b *batchServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !b.hasToken && !isLoopback(r.Host) {
		http.Error(w, `{"error":{"message":"baler: without `+tokenVariable+` batches are for calls to localhost or 127.0.0.1 only","code":"baler_host"}}`, http.StatusForbidden)
		return
	}
	b.Server.ServeHTTP(w, r)
}

// isLoopback reports whether a host, with or without a port, is this machine.
func isLoopback(host string) bool {
	u := url.URL{Host: host}
	ip, err := netip.ParseAddr(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// open opens the server of batches, nil if there is no route.
func (s *served) open(dir *durable.Dir, p *proxyFlags, token string, w io.Writer, log *slog.Logger) (*batchServer, error) {
	if !s.routing.given() {
		return nil, nil
	}
	clients := newConnections(&options{state: p.state, name: "served", poll: p.poll}, false)
	account, err := s.account(clients)
	if err != nil {
		return nil, errors.Join(err, clients.close())
	}
	server, err := batchapi.New(batchapi.Config{
		Dir: dir, Poll: p.poll, Grace: p.grace, Log: log, Keyless: true,
		Connect: func(batchapi.Caller) (batchapi.Account, error) { return account, nil },
		Notify:  func(run string, n durable.Notice) { fmt.Fprintf(w, "baler: %s: %s\n", run, plain(n.Text)) },
	})
	if err != nil {
		return nil, errors.Join(refusedState(err, p.state), clients.close())
	}
	return &batchServer{server, clients, token != ""}, nil
}

// account has the clients of the routes, which all batches share.
func (s *served) account(clients *connections) (a batchapi.Account, err error) {
	for i := range s.routing.parsed {
		r, err := s.routing.parsed[i].connect(clients)
		if err != nil {
			return a, err
		}
		a.Routes = append(a.Routes, r)
	}
	a.Choose, err = s.routing.strategy()
	return a, err
}

// instead returns what answers a call to a service, nil if the service does.
func (b *batchServer) instead(service, path string) http.Handler {
	if b == nil || !batchapi.Serves(service, path) {
		return nil
	}
	return b
}

func (b *batchServer) close() error {
	if b == nil {
		return nil
	}
	return errors.Join(b.Close(), b.clients.close())
}
