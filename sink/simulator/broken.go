package simulator

import (
	"net"
	"net/http"
	"strconv"
)

// reset breaks the connection, if possible so that the client sees a reset and
// not an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, isTCP := conn.(*net.TCPConn); isTCP {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

func newDiscard() discard { return discard{make(http.Header)} }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// truncated breaks off an answer in its body.
type truncated struct {
	http.ResponseWriter
	left  int64 // 0 before the first write: to be worked out
	begun bool
}

func (t *truncated) Write(p []byte) (int, error) {
	if !t.begun {
		t.begun = true
		if t.left == 0 {
			t.left = int64(len(p)) / 2
			if length, err := strconv.ParseInt(t.Header().Get("Content-Length"), 10, 64); err == nil {
				t.left = length / 2
			}
		}
	}
	if int64(len(p)) < t.left {
		t.left -= int64(len(p))
		return t.ResponseWriter.Write(p)
	}
	_, _ = t.ResponseWriter.Write(p[:t.left])
	_ = http.NewResponseController(t.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}
