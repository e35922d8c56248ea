package httpclient

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// parseBase checks a base URL. Its errors quote no more than the host: what was
// given may be a key in the wrong place.
func parseBase(base string, allowHTTP []string) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, errors.New("base URL cannot be parsed")
	case u.User != nil:
		return nil, errors.New("base URL must not hold credentials")
	case u.Hostname() == "":
		return nil, errors.New("base URL must look like https://host/path")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("base URL of %s must not have a query or a fragment", u.Host)
	case u.Scheme == "https", u.Scheme == "http" && (Loopback(u.Hostname()) || slices.Contains(allowHTTP, u.Hostname())):
		u.Path = strings.TrimSuffix(u.Path, "/")
		u.RawPath = strings.TrimSuffix(u.RawPath, "/")
		return u, nil
	}
	return nil, fmt.Errorf("base URL of %s must be https (http only on this machine, or for a host that is allowed by name)", u.Host)
}

// Loopback reports whether a host is this machine, by what it is called.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
