package simulator

import (
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A router finds the route of a request among those of a protocol. It is an
// [http.ServeMux] that also knows verbs: a colon and a word after the wildcard
// at the end of a pattern.
type router struct {
	mux    *http.ServeMux
	routes map[string]map[string]protocol.Route // by pattern without the verb, and by verb
}

func newRouter(routes []protocol.Route, p protocol.Provider) *router {
	rt := &router{mux: http.NewServeMux(), routes: make(map[string]map[string]protocol.Route)}
	for _, route := range routes {
		pattern, verb := cutVerb(route.Pattern)
		if rt.routes[pattern] == nil {
			rt.routes[pattern] = make(map[string]protocol.Route)
			rt.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { rt.serve(p, pattern, w, r) })
		}
		rt.routes[pattern][verb] = route
	}
	return rt
}

// cutVerb cuts the verb off a pattern.
func cutVerb(pattern string) (without, verb string) {
	if i := strings.LastIndex(pattern, "}:"); i >= 0 {
		return pattern[:i+1], pattern[i+2:]
	}
	return pattern, ""
}

// find returns the name of the route that serves r.
func (rt *router) find(r *http.Request) (pattern string) {
	_, without := rt.mux.Handler(r)
	route, _ := rt.pick(without, r)
	return route.Pattern
}

// pick returns the route for r among those that differ in their verb, and the
// verb.
func (rt *router) pick(pattern string, r *http.Request) (route protocol.Route, verb string) {
	last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if i := strings.LastIndexByte(last, ':'); i >= 0 {
		if route, found := rt.routes[pattern][last[i+1:]]; found {
			return route, last[i+1:]
		}
	}
	if route, found := rt.routes[pattern][""]; found {
		return route, ""
	}
	return rt.routes["/"][""], ""
}

func (rt *router) serve(p protocol.Provider, pattern string, w http.ResponseWriter, r *http.Request) {
	route, verb := rt.pick(pattern, r)
	if verb != "" {
		name := pattern[strings.LastIndexByte(pattern, '{')+1 : len(pattern)-1]
		r.SetPathValue(name, strings.TrimSuffix(r.PathValue(name), ":"+verb))
	}
	if route.Serve == nil {
		http.NotFound(w, r)
		return
	}
	route.Serve(p, w, r)
}
