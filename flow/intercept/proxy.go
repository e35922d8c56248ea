package intercept

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// HandlerConfig adjusts a proxy. Its zero value sends each call to the service
// whose path it has.
type HandlerConfig struct {
	// BaseURLs say where services are, by the names of HomeNames. Those that
	// are not in it are at home.
	BaseURLs map[string]string
	// Token, if there is one, must come with each call: in the header
	// "x-baler-token", or in the path, as in http://host:4747/token/TOKEN/v1.
	Token string
	// MaxHeld is how many calls are held at a time. Others get the status 429.
	// Zero means any number.
	MaxHeld int
	// Seen is called once for each kind of client.
	Seen func(Client)
	// Instead returns what answers a call to a service in its place, by the
	// service's name and the path of its API, such as "/v1/files". It gets that
	// path, and no token is checked again. Nil means that the service answers,
	// or a batch.
	Instead func(service, path string) http.Handler
}

// Client is a kind of client that calls a proxy.
type Client struct {
	Name  string
	Holds string // for how long its calls are held, and what to set for more
}

// Handler returns the proxy, for an [http.Server] without timeouts that speaks
// HTTP/1.1. The first element of a path may name the service, as in
// /mistral/v1/chat/completions. Otherwise headers tell it that only one
// provider has, and then the path: /v1/messages is Anthropic's,
// /v1beta/models/... Gemini's, and all else OpenAI's.
func (i *Interceptor) Handler(cfg HandlerConfig) (http.Handler, error) {
	h := &handler{owner: i, cfg: cfg, bases: make(map[string]*url.URL), seen: make(map[string]bool)}
	given := maps.Clone(cfg.BaseURLs)
	for _, home := range homes {
		base := home.baseURL
		if other := given[home.name]; other != "" {
			base = other
		}
		delete(given, home.name)
		u, err := url.Parse(strings.TrimSuffix(base, "/"))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
			return nil, fmt.Errorf("intercept: the base URL of %s must look like https://host/path", home.name)
		}
		if u.Scheme == "http" && !isLocal(u.Hostname()) && !slices.Contains(i.cfg.AllowHTTP, u.Hostname()) {
			return nil, fmt.Errorf("intercept: the base URL of %s must be https, as keys go there (http only on this machine, or for a host in Config.AllowHTTP)", home.name)
		}
		h.bases[home.name] = u
	}
	for name := range given {
		return nil, fmt.Errorf("intercept: HandlerConfig.BaseURLs has %q: must be one of %q", name, HomeNames())
	}
	h.through = &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL, p.Out.Host = p.In.URL, ""
			p.Out.Header = stripped(p.Out.Header)
		},
		Transport: i.cfg.Base, FlushInterval: -1,
		ErrorLog: slog.NewLogLogger(i.log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) {
			i.log.Warn("a call could not be passed on", "host", r.URL.Host)
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	return h, nil
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// handler is the proxy.
type handler struct {
	owner   *Interceptor
	cfg     HandlerConfig
	bases   map[string]*url.URL
	through *httputil.ReverseProxy
	held    atomic.Int64

	mu   sync.Mutex
	seen map[string]bool
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &serving{w: w, r: r}
	apart(func() { h.begin(s) }) //nolint:contextcheck // it is in s
	switch {
	case s.hold != nil:
		defer h.held.Add(-1)
		s.hold.serve(r.Context().Done())
	case s.next != nil:
		s.next.ServeHTTP(w, s.r)
	}
}

// serving is a call that comes in, and what is to be done about it.
type serving struct {
	w    http.ResponseWriter
	r    *http.Request
	hold *holding     // it is held
	next http.Handler // or another one answers it
}

// begin answers a call, or finds out who does.
func (h *handler) begin(s *serving) {
	path, ok := h.admitted(s.r)
	if !ok {
		http.Error(s.w, `{"error":{"message":"baler: the token is missing or wrong: send it as x-baler-token","code":"baler_token"}}`, http.StatusUnauthorized)
		return
	}
	if path == "/" || path == "/healthz" {
		_, _ = fmt.Fprintln(s.w, "baler serve:", h.owner.Stats())
		return
	}
	if h.instead(s, path) {
		return
	}
	home, u := h.route(path, s.r.URL.RawQuery, s.r.Header)
	c, restored, err := h.owner.recognize(s.r, home, u)
	if err != nil {
		a := answerTo(home.provider, err)
		(&holding{w: s.w}).whole(&a)
		return
	}
	if c == nil {
		if err := h.owner.planPass(restored, u.Path); err != nil {
			a := answerTo(home.provider, err)
			(&holding{w: s.w}).whole(&a)
			return
		}
		h.owner.counts.passed.Add(1)
		s.r = restored.WithContext(s.r.Context())
		s.r.URL = u
		s.next = h.through
		return
	}
	h.hold(s, c)
}

// hold answers a call that becomes a row, or lets it be held.
func (h *handler) hold(s *serving, c *call) {
	hold := &holding{w: s.w, manner: c.manner, deadline: c.deadline, rule: ruleOf(s.r.Header, c.manner.form), counts: &h.owner.counts}
	if n := h.held.Add(1); h.cfg.MaxHeld > 0 && n > int64(h.cfg.MaxHeld) {
		h.held.Add(-1)
		h.owner.counts.cut.Add(1)
		s.w.Header().Set("Retry-After", "5")
		hold.whole(&Answer{Status: http.StatusTooManyRequests, Body: errorBody(
			c.provider, http.StatusTooManyRequests, "baler_full", "baler holds as many calls as it has file descriptors for: raise the limit (ulimit -n), or make fewer calls at a time")})
		return
	}
	h.meet(&hold.rule)
	hold.wait = h.owner.begin(s.r.Context(), c)
	if hold.begin() {
		h.held.Add(-1)
		return
	}
	s.hold = hold
}

// meet tells of a kind of client that was not seen before.
func (h *handler) meet(r *rule) {
	h.mu.Lock()
	isNew := !h.seen[r.client]
	h.seen[r.client] = true
	h.mu.Unlock()
	if isNew && h.cfg.Seen != nil {
		h.cfg.Seen(Client{r.client, r.describe()})
	}
}

// admitted checks the token and returns the path without it.
func (h *handler) admitted(r *http.Request) (path string, ok bool) {
	path = r.URL.Path
	given := r.Header.Get(headerPrefix + "Token")
	if rest, found := strings.CutPrefix(r.URL.EscapedPath(), "/token/"); found {
		given, rest, _ = strings.Cut(rest, "/")
		given, _ = url.PathUnescape(given) // it was parsed
		path, _ = url.PathUnescape("/" + rest)
	}
	return path, h.cfg.Token == "" || subtle.ConstantTimeCompare([]byte(given), []byte(h.cfg.Token)) == 1
}

// service returns the service that a call means, and the path without its name.
func (h *handler) service(path, query string, header http.Header) (home, string) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	to, named := homeNamed(name)
	if named {
		path = "/" + rest
	} else {
		values, _ := url.ParseQuery(query)
		to, _ = homeNamed(guess(path, values, header))
	}
	path = to.path(path)
	return to, path
}

// instead lets another answer a call than its service.
func (h *handler) instead(s *serving, path string) bool {
	if h.cfg.Instead == nil {
		return false
	}
	to, path := h.service(path, s.r.URL.RawQuery, s.r.Header)
	if s.next = h.cfg.Instead(to.name, path); s.next == nil {
		return false
	}
	s.r = s.r.Clone(s.r.Context())
	s.r.URL.Path, s.r.URL.RawPath = path, ""
	return true
}

// route returns the service that a call means, and the URL there.
func (h *handler) route(path, query string, header http.Header) (home, *url.URL) {
	to, path := h.service(path, query, header)
	u := *h.bases[to.name]
	u.Path += strings.TrimPrefix(path, to.beneath)
	u.RawPath, u.RawQuery = "", query
	return to, &u
}
