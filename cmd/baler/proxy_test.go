package main

import (
	"net"
	"net/url"
	"slices"
	"testing"
)

// A proxy sends no call to itself, whatever its own address is called.
func TestAProxyKnowsItself(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]bool{
		"http://127.0.0.1:4747/v1": true, "http://localhost:4747": true, "http://LOCALHOST.:4747/v1": true, "http://[::1]:4747": true,
		"http://0.0.0.0:4747/v1": true, "http://127.9.9.9:4747": true, "http://[::ffff:127.0.0.1]:4747": true,
		"http://127.0.0.1:4748/v1": false, "http://localhost": false, "https://api.openai.com/v1": false, "https://h:4747/v1": false,
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		for _, own := range []string{"127.0.0.1:4747", "0.0.0.0:4747", "[::]:4747"} {
			if got := isSelf(u, own); got != want {
				t.Errorf("%s on %s: %v", base, own, got)
			}
		}
	}
	if u, _ := url.Parse("http://localhost/v1"); !isSelf(u, "127.0.0.1:80") {
		t.Error("the port of http is not known")
	}
}

// The program that exec runs comes in with the token of its environment.
func TestExecGivesItsProgramTheToken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	p := &proxy{listener: listener, token: "a/b"}
	if want := "OPENAI_BASE_URL=" + p.url() + "/token/a%2Fb/openai/v1"; !slices.Contains(p.environment(), want) {
		t.Errorf("%q has no %s", p.environment(), want)
	}
}

// A program is run again only while that brings it on: it would pay for ever.
func TestWhichProgramsAreRunAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		last, this *attempt
		want       bool
	}{
		"all is there":                      {nil, &attempt{rows: 9}, false},
		"it fails by itself":                {nil, &attempt{failed: true, rows: 9}, false},
		"it did not wait":                   {nil, &attempt{failed: true, rows: 9, waiting: 9}, true},
		"it did not wait, and says nothing": {nil, &attempt{rows: 9, waiting: 9}, true},
		"it was cut off":                    {nil, &attempt{failed: true, rows: 9, cut: 1}, true},
		"it repeated its calls":             {nil, &attempt{rows: 9, cut: 1}, false},
		"it comes further":                  {&attempt{failed: true, rows: 9}, &attempt{failed: true, rows: 5, hits: 9, waiting: 5}, true},
		"it fails at the same place":        {&attempt{failed: true, rows: 9}, &attempt{failed: true, hits: 9}, false},
		"it asks for other rows each time":  {&attempt{failed: true, rows: 9}, &attempt{failed: true, rows: 9, waiting: 9}, false},
		"it asks for some others each time": {&attempt{rows: 1, hits: 8}, &attempt{rows: 1, hits: 8, waiting: 1}, false},
		"others wait still":                 {&attempt{failed: true, rows: 9}, &attempt{failed: true, waiting: 9}, true},
	} {
		if got := test.this.isCut() && !test.this.isLost(test.last); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
