package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/flow/state"
)

// proxyFlags are those of serve and exec.
type proxyFlags struct {
	addr, provider, baseURL, state string
	batchSize                      int
	window, poll, grace, live      time.Duration
	dryRun, noCache, verbose       bool
	served                         served
}

// tokenVariable holds what callers must send to a proxy that others can reach.
const tokenVariable = "BALER_TOKEN"

func (p *proxyFlags) register(cmd *cobra.Command, addr string) {
	f := cmd.Flags()
	f.StringVar(&p.addr, "addr", addr, "host and port to listen on; beyond this machine only with "+tokenVariable)
	f.StringVar(&p.provider, "provider", "", "service whose address --base-url is: "+strings.Join(intercept.HomeNames(), ", "))
	f.StringVar(&p.baseURL, "base-url", "", "where the calls of --provider go (default: home, or where its variable says)")
	f.IntVar(&p.batchSize, "batch-size", intercept.DefaultBatchSize, "calls in a batch at most")
	f.DurationVar(&p.window, "batch-window", intercept.DefaultWindow, "wait for more calls before a batch is bought that is not full")
	f.DurationVar(&p.poll, "poll", intercept.DefaultPoll, "shortest interval between polls of a batch")
	f.DurationVar(&p.grace, "grace", durable.DefaultGrace, "how long to look for a batch whose creation was not answered, before it is bought again")
	f.DurationVar(&p.live, "live-within", 0, "let calls that state a deadline nearer than this, in x-baler-deadline, pass through at the full price; "+
		"once half of it is left, if that is at least --grace and --batch-window together, calls that wait for an open batch are asked live: it is cancelled for that, and nothing is paid twice")
	f.BoolVar(&p.dryRun, "dry-run", false, "buy nothing: calls without an answer fail, and are counted; so do calls that would pass through, unless they cost nothing")
	f.BoolVar(&p.noCache, "no-cache", false, "ask again what was answered before this start")
	f.BoolVarP(&p.verbose, "verbose", "v", false, "log what happens to standard error")
	p.served.flags(cmd)
	stateFlag(cmd, &p.state)
}

// proxy is a proxy that listens.
type proxy struct {
	token    string // that callers send
	calls    *intercept.Interceptor
	batches  *batchServer
	listener net.Listener
	server   *http.Server
	bases    map[string]string // by service
	served   chan error
	lavish   func() // ends that memory is saved
}

// start opens the proxy. What it has to tell goes to w.
func (p *proxyFlags) start(ctx context.Context, w io.Writer) (*proxy, error) {
	token := os.Getenv(tokenVariable)
	if err := p.check(token); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", p.addr)
	if err != nil {
		return nil, usage("listen on %s: %w", p.addr, err)
	}
	bases, err := p.bases(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if err := p.served.check(listener.Addr().String()); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	calls, batches, err := p.open(w, token)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	handler, err := calls.Handler(intercept.HandlerConfig{
		BaseURLs: bases, Token: token, MaxHeld: heldAtMost(), Instead: batches.instead,
		Seen: func(c intercept.Client) { fmt.Fprintf(w, "baler: a call of %s: %s\n", c.Name, c.Holds) },
	})
	if err != nil {
		return nil, errors.Join(usage("%w", err), listener.Close(), calls.Close(), batches.close())
	}
	x := &proxy{token: token, calls: calls, batches: batches, listener: listener, bases: bases, served: make(chan error, 1), lavish: beFrugal()}
	x.server = &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute} // and no other, as calls are held
	go func() { x.served <- x.server.Serve(listener) }()
	if !p.dryRun {
		x.resume(ctx, w)
	}
	return x, nil
}

func (p *proxyFlags) check(token string) error {
	host, _, err := net.SplitHostPort(p.addr)
	if err != nil {
		return usage("--addr %q: must be a host and a port, such as 127.0.0.1:4747", p.addr)
	}
	ip, err := netip.ParseAddr(host)
	isLocal := host == "localhost" || err == nil && ip.IsLoopback()
	switch {
	case !isLocal && token == "":
		return usage("--addr %s can be reached from other machines: set %s to a secret that callers send as x-baler-token, or listen on 127.0.0.1", p.addr, tokenVariable)
	case p.baseURL != "" && p.provider == "":
		return usage("--base-url needs --provider: one of %s", strings.Join(intercept.HomeNames(), ", "))
	case p.provider != "" && p.baseURL == "":
		return usage("--provider needs --base-url: without them, each call goes to the service whose path it has")
	case p.dryRun && len(p.served.routing.routes) > 0:
		return usage("--dry-run buys nothing, and --route is for batches that are bought: leave one of them out")
	case p.live < 0:
		return usage("--live-within must not be negative")
	case p.batchSize < 1:
		return usage("--batch-size must be at least 1")
	case p.window <= 0 || p.poll <= 0 || p.grace <= 0:
		return usage("--batch-window, --poll and --grace must be more than 0")
	}
	return nil
}

// bases returns the addresses of services that are not at home: those that
// their variables name, unless that is the proxy itself, and --base-url.
func (p *proxyFlags) bases(own string) (map[string]string, error) {
	all := make(map[string]string)
	for _, s := range intercept.Services() {
		given := ""
		if s.Variable != "" {
			given = os.Getenv(s.Variable)
		}
		if u, err := url.Parse(given); given == "" || err != nil || isSelf(u, own) {
			continue
		}
		all[s.Name] = intercept.BaseURL(s.Name, given)
	}
	if p.provider == "" {
		return all, nil
	}
	all[p.provider] = p.baseURL
	if u, err := url.Parse(p.baseURL); err == nil && isSelf(u, own) {
		return nil, usage("--base-url is the proxy itself")
	}
	return all, nil
}

// isSelf reports whether a base URL is the proxy that listens on own: it would
// send each call to itself, without end.
func isSelf(u *url.URL, own string) bool {
	host, port, err := net.SplitHostPort(own)
	if err != nil || cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]) != port {
		return false
	}
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(name)
	return name == host || name == "localhost" || err == nil && (ip.Unmap().IsLoopback() || ip.IsUnspecified() || isMine(host, ip))
}

// isMine reports whether a proxy that listens on all addresses has this one.
func isMine(host string, ip netip.Addr) bool {
	if all, err := netip.ParseAddr(host); err != nil || !all.IsUnspecified() {
		return false
	}
	mine, _ := net.InterfaceAddrs() // without them, this machine's name alone counts
	return slices.ContainsFunc(mine, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr() == ip.Unmap()
	})
}

func (p *proxyFlags) open(w io.Writer, token string) (*intercept.Interceptor, *batchServer, error) {
	level := slog.LevelError
	if p.verbose {
		level = slog.LevelInfo
	}
	log := (&screen{format: formatText}).loggerFrom(w, level)
	dir, err := durable.Open(p.state)
	if err != nil {
		return nil, nil, refusedState(err, p.state)
	}
	dir = dir.With(state.Config{Log: log})
	cfg := intercept.Config{
		Dir: dir, All: true, BatchSize: p.batchSize, Window: p.window, Poll: p.poll, Grace: p.grace, LiveWithin: p.live, Least: -1, DryRun: p.dryRun, Log: log,
		Notify: func(job string, n durable.Notice) { fmt.Fprintf(w, "baler: %s: %s\n", job, plain(n.Text)) },
	}
	if p.noCache {
		cfg.Cache = -1
	}
	calls, err := intercept.New(cfg)
	if err != nil {
		return nil, nil, refusedState(err, p.state)
	}
	batches, err := p.served.open(dir, p, token, w, log)
	if err != nil {
		return nil, nil, errors.Join(err, calls.Close())
	}
	return calls, batches, nil
}

// resume goes on with rows whose key is in the environment, and names those
// whose key is not known.
func (x *proxy) resume(ctx context.Context, w io.Writer) {
	for _, s := range intercept.Services() {
		err := x.calls.Resume(ctx, intercept.Account{
			Service: s.Name, BaseURL: x.bases[s.Name], Key: func() string { return firstSet(s.Keys) },
			Organization: os.Getenv("OPENAI_ORG_ID"), Project: os.Getenv("OPENAI_PROJECT_ID"),
		})
		if err != nil {
			fmt.Fprintf(w, "baler: %s: %s\n", s.Name, plain(err.Error()))
		}
	}
	jobs, err := x.calls.Unclaimed()
	if err != nil {
		fmt.Fprintf(w, "baler: %s\n", plain(err.Error()))
	}
	for _, s := range jobs {
		fmt.Fprintf(w, "baler: %s of %s cannot go on without the key: make a call with it, or start with it in the environment\n", rowCount(s.Rows-s.Settled()), plain(s.Name))
	}
}

// describeReuse says how many calls an answer was given to again, and what that
// has saved beside what batches save.
func describeReuse(r *durable.Reuse) string {
	text := fmt.Sprintf("%s got an answer that was there, %s shared a row with another call", callCount(r.Hits), thousands(r.Shared))
	if r.Saved > 0 {
		text += fmt.Sprintf(": %s saved at the price of single requests", cents(r.Saved))
	}
	return fmt.Sprintf("%s%s; since %s", text, noteIf(r.Unpriced, "; the price of %s is not known"), clock(r.Since))
}

func callCount(n int) string { return counted(n, "call", "calls") }

// close ends all calls, which their programs may make again, and detaches from
// the batches.
func (x *proxy) close() error {
	defer x.lavish()
	err := x.calls.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if x.server.Shutdown(ctx) != nil {
		_ = x.server.Close() // it was asked
	}
	if served := <-x.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, x.batches.close())
}

// url is the address of the proxy.
func (x *proxy) url() string { return "http://" + x.listener.Addr().String() }
