package httpclient

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// metadata are the addresses outside of the link-local ranges where clouds keep
// the credentials of their machines: AWS over IPv6, and Alibaba.
var metadata = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// NewTransport returns a transport of its own that checks every address before
// it connects. Its settings are Go's usual ones, but it keeps all its idle
// connections to the one host that it calls.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: refuseMetadata}
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // documented type
	t.DialContext = dialer.DialContext
	t.MaxIdleConnsPerHost = t.MaxIdleConns
	return t
}

// refuseMetadata refuses addresses that no provider has. It runs when the name
// has been resolved, so that a name which resolves to one gets no further.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %s: %w", address, err)
	}
	ip := to.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || slices.Contains(metadata, ip) {
		return fmt.Errorf("address %s is for metadata of this machine: refused", ip)
	}
	return nil
}
