package download

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
)

// place is where in a file to go on. Zero is the start of an unknown file.
type place struct {
	offset   int64
	validate string // what If-Range compares; "" if the file cannot be asked for in parts
}

// known reports whether there is something to go on from.
func (p place) known() bool { return p.offset > 0 && p.validate != "" }

// header is that of a call which asks for the rest of the file, if that is
// still the same one.
func (p place) header(h http.Header) http.Header {
	if !p.known() {
		return h
	}
	rest := http.Header{
		"Range":           {fmt.Sprintf("bytes=%d-", p.offset)},
		"If-Range":        {p.validate},
		"Accept-Encoding": {"identity"},
	}
	maps.Copy(rest, h)
	return rest
}

// continues reports whether a reply begins where p is.
func (p place) continues(r *httpclient.Reply) bool {
	return p.known() && r.Status == http.StatusPartialContent && r.Header.Get("Content-Encoding") == "" &&
		strings.HasPrefix(r.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", p.offset))
}

// startOf is the start of the file in a reply. Only a strong validator will do,
// and none of a compressed reply, whose bytes differ from the file's.
func startOf(r *httpclient.Reply) place {
	if r.Status != http.StatusOK || r.Header.Get("Content-Encoding") != "" {
		return place{}
	}
	if tag := r.Header.Get("ETag"); tag != "" {
		if strings.HasPrefix(tag, "W/") {
			return place{}
		}
		return place{validate: tag}
	}
	return place{validate: r.Header.Get("Last-Modified")}
}
