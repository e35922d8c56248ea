package httpclient

import (
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

func TestMetadataAddressesAreRefusedAtTheDial(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200", "[fd00:ec2::254]"} {
		c, err := newClient("https://"+host, bearer, Evenly(50), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Do(t.Context(), Call{Method: "POST", Path: "/batches", Effect: retry.EffectCreate}, nil)
		if err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", host, err)
		}
		if class := retry.ClassOf(err); class == retry.Ambiguous {
			t.Errorf("%s: a call that was not sent is %s", host, class)
		}
	}
}

func TestAddressIsJudgedAfterTheNameIsResolved(t *testing.T) {
	for address, refused := range map[string]bool{
		"169.254.169.254:443":            true,
		"169.254.0.1:80":                 true,
		"[fe80::1%eth0]:443":             true,
		"[::ffff:169.254.169.254]:443":   true,
		"[::ffff:100.100.100.200]:443":   true,
		"127.0.0.1:443":                  false,
		"[::1]:443":                      false,
		"10.0.0.1:443":                   false,
		"8.8.8.8:443":                    false,
		"[2606:4700:4700::1111%any]:443": false,
		"not an address":                 true,
	} {
		if err := refuseMetadata("tcp", address, nil); (err != nil) != refused {
			t.Errorf("%s: %v, want refused %t", address, err, refused)
		}
	}
}

func TestDefaultTransportLooksAtAddresses(t *testing.T) {
	c := serve(t, reply(200, "{}")) // loopback is allowed
	if err := c.Do(t.Context(), Call{Method: "GET", Path: "/x"}, nil); err != nil {
		t.Error(err)
	}
}
