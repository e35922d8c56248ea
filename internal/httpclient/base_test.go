package httpclient

import (
	"strings"
	"testing"
)

func TestBaseURLMustBeSafe(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.openai.com/v1":       "",
		"https://api.openai.com":          "",
		"http://localhost:8080/v1":        "",
		"http://127.0.0.1:8080":           "",
		"http://[::1]:8080":               "",
		"http://api.openai.com/v1":        "must be https",
		"http://10.0.0.1/v1":              "must be https",
		"http://localhost.evil.test":      "must be https",
		"ftp://127.0.0.1/v1":              "must be https",
		"https://u:canary@host/v1":        "must not hold credentials",
		"https://canary@host/v1":          "must not hold credentials",
		"https://host/v1?key=canary":      "must not have a query",
		"https://host/v1?":                "must not have a query",
		"https://host/v1#canary":          "must not have a query or a fragment",
		"api.openai.com/canary":           "must look like https://host/path",
		"canary:secret@api.openai.com/v1": "must look like https://host/path",
		"https:canary@host/v1":            "must look like https://host/path",
		"https://:443/v1":                 "must look like https://host/path",
		"sk-canary":                       "must look like https://host/path",
		"":                                "must look like https://host/path",
		"https://u:canary@host:port/v1":   "cannot be parsed",
	} {
		_, err := newClient(base, bearer, Evenly(50), nil)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", base, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q", base, err, want)
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%q is quoted: %v", base, err)
		}
	}
}

func TestPathIsBelowTheBase(t *testing.T) {
	for base, want := range map[string]string{
		"https://host":         "https://host",
		"https://host/":        "https://host",
		"https://host/v1/":     "https://host/v1",
		"https://host/a%2Fb/":  "https://host/a%2Fb",
		"https://host:8443/v1": "https://host:8443/v1",
	} {
		u, err := parseBase(base, nil)
		if err != nil || u.String() != want {
			t.Errorf("%q is %v, %v; want %s", base, u, err, want)
		}
	}
}

// A host without TLS has to be named, and no other one is meant by it.
func TestHostsWithoutTLSAreAllowedByName(t *testing.T) {
	allowed := []string{"vllm.internal", "10.0.0.7"}
	for base, want := range map[string]bool{
		"http://vllm.internal:8000/v1":      true,
		"http://10.0.0.7/v1":                true,
		"http://vllm.internal.evil.org/v1":  false,
		"http://10.0.0.70/v1":               false,
		"http://user@vllm.internal:8000/v1": false,
		"ftp://vllm.internal/v1":            false,
	} {
		if _, err := New(Config{Base: base, AllowHTTP: allowed, Auth: bearer, Grammar: grammar, Pace: Evenly(1)}); (err == nil) != want {
			t.Errorf("%s: %v", base, err)
		}
	}
}
