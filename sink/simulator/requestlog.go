package simulator

import (
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is an entry of the request log.
type Request struct {
	Time       time.Time         `json:"time"` // on the simulator's clock, when it was answered
	Method     string            `json:"method"`
	Route      string            `json:"route"` // the pattern that matched, as in Fault
	Path       string            `json:"path"`  // with the query
	Host       string            `json:"host"`
	Header     map[string]string `json:"header"`
	Secret     bool              `json:"secret,omitempty"` // it came with a key, which Header and Path leave out
	BodyBytes  int64             `json:"body_bytes"`       // as far as it was read
	BodySHA256 string            `json:"body_sha256"`
	Status     int               `json:"status"`          // 0 if it was not answered
	Fault      Action            `json:"fault,omitempty"` // the fault it met
}

// Requests yields the requests to the provider that were dealt with, in the
// order of their answers, since the state directory was made. A non-nil error
// is the last thing it yields.
func (s *Simulator) Requests() iter.Seq2[Request, error] {
	return readLines[Request](s.log.file.Name())
}

// publicHeader is a request's header without what is secret.
func publicHeader(h http.Header) map[string]string {
	public := make(map[string]string, len(h))
	for name, values := range h {
		if !slices.Contains(secretHeaders, name) {
			public[name] = strings.Join(values, ", ")
		}
	}
	return public
}

var secretHeaders = []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie"}

// secretMember is the member of a query in which some providers take a key.
const secretMember = "key"

// publicPath is the path and query of a request without what is secret.
func publicPath(u *url.URL) string {
	query := u.Query()
	if !query.Has(secretMember) {
		return u.RequestURI()
	}
	query.Del(secretMember)
	public := *u
	public.RawQuery = query.Encode()
	return public.RequestURI()
}

// hasSecret reports whether a request came with a key.
func hasSecret(r *http.Request) bool {
	return r.URL.Query().Has(secretMember) ||
		slices.ContainsFunc(secretHeaders, func(name string) bool { return r.Header.Get(name) != "" })
}
