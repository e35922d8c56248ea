package simulator

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A mount is a protocol at a place in the paths of the Simulator. The one at
// the root is also mounted under its name.
type mount struct {
	*Simulator
	name     string
	prefix   string // of paths, such as /openai; empty at the root
	protocol protocol.Protocol
	limits   protocol.Limits
	router   *router
}

// mount makes a mount. Every route has a name of its own in all mounts.
func (s *Simulator) mount(name, prefix string, p protocol.Protocol) *mount {
	m := &mount{Simulator: s, name: name, prefix: prefix, protocol: p, limits: s.cfg.Limits.of(p)}
	m.router = newRouter(p.Routes(), m)
	return m
}

// mountAll mounts the protocols, each under its name and one at the root.
func (s *Simulator) mountAll(all map[string]protocol.Protocol) {
	s.mounts = make(map[string]*mount, len(all))
	for name, p := range all {
		s.mounts[name] = s.mount(name, "/"+name, p)
	}
	s.root = s.mount(s.cfg.Provider, "", all[s.cfg.Provider])
}

// find returns the mount that a request is for, and the request as the protocol
// there sees it.
func (s *Simulator) find(r *http.Request) (*mount, *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	m, found := s.mounts[name]
	if !found {
		return s.root, r
	}
	inner := *r
	inner.URL = new(url.URL)
	*inner.URL = *r.URL
	inner.URL.Path = below(m.prefix, r.URL.Path)
	if r.URL.RawPath != "" {
		inner.URL.RawPath = below(m.prefix, r.URL.RawPath)
	}
	return m, &inner
}

// below returns the rest of a path that begins with prefix. It cleans it, as
// [http.ServeMux] would redirect to the clean path without the prefix.
func below(prefix, p string) string {
	rest := strings.TrimPrefix(p, prefix)
	clean := path.Clean("/" + rest)
	if strings.HasSuffix(rest, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// routeName is what faults and the request log call a route.
func (m *mount) routeName(pattern string) string { return routeName(m.name, m.cfg.Provider, pattern) }

// routeName puts the prefix of a protocol that is not at the root into a
// pattern.
func routeName(name, root, pattern string) string {
	if name == root {
		return pattern
	}
	method, path, hasMethod := strings.Cut(pattern, " ")
	if !hasMethod {
		return "/" + name + pattern
	}
	return method + " /" + name + path
}
