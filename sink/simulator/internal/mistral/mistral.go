// Package mistral is Mistral's files and batch jobs as a [protocol.Protocol].
package mistral

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Protocol is Mistral's wire protocol.
type Protocol struct{}

// Info describes Mistral's protocol. The pages of Mistral's documentation do
// not agree on the rows of a batch, so these are the fewest.
func (Protocol) Info() protocol.Info {
	return protocol.Info{Limits: protocol.Limits{
		UploadBytes: 512_000_000, BatchBytes: 512_000_000, Rows: 100_000, InlineRows: 10_000, EnqueuedRows: 1_000_000,
	}}
}

// Routes returns Mistral's files, batch jobs and live calls.
func (Protocol) Routes() []protocol.Route {
	routes := []protocol.Route{
		route("POST /v1/files", protocol.RouteUpload, uploadFile),
		route("GET /v1/files", protocol.RouteList, listFiles),
		route("GET /v1/files/{id}", protocol.RouteOther, getFile),
		route("DELETE /v1/files/{id}", protocol.RouteDelete, deleteFile),
		route("GET /v1/files/{id}/content", protocol.RouteDownload, downloadFile),
		route("POST /v1/batch/jobs", protocol.RouteCreate, createJob),
		route("GET /v1/batch/jobs", protocol.RouteList, listJobs),
		route("GET /v1/batch/jobs/{id}", protocol.RoutePoll, getJob),
		route("DELETE /v1/batch/jobs/{id}", protocol.RouteDelete, deleteJob),
		route("POST /v1/batch/jobs/{id}/cancel", protocol.RouteCancel, cancelJob),
		route("/", protocol.RouteOther, unknownURL),
	}
	for _, endpoint := range liveEndpoints {
		routes = append(routes, route("POST "+endpoint, protocol.RouteLive, ask(endpoint)))
	}
	return routes
}

// A handler returns the reply to a request: a value that becomes JSON or can
// serve itself, or an error.
type handler func(s protocol.Session, r *http.Request) (any, error)

// served is a reply that is not simply JSON.
type served interface {
	serve(w http.ResponseWriter, r *http.Request)
}

func route(pattern string, kind protocol.RouteKind, handle handler) protocol.Route {
	return protocol.Route{
		Pattern: pattern,
		Kind:    kind,
		Serve: func(p protocol.Provider, w http.ResponseWriter, r *http.Request) {
			serve(p, w, r, handle)
		},
	}
}

// serve replies to one request.
func serve(p protocol.Provider, w http.ResponseWriter, r *http.Request, handle handler) {
	s, err := authenticate(p, r)
	var reply any
	if err == nil {
		reply, err = handle(s, r)
		setRates(w.Header(), s.Rates())
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if self, is := reply.(served); is {
		self.serve(w, r)
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

// authenticate returns the session of the key in the request.
func authenticate(p protocol.Provider, r *http.Request) (protocol.Session, error) {
	key, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found || key == "" {
		return nil, errUnauthorized
	}
	s, err := p.Session(r, key)
	if errors.Is(err, protocol.ErrUnknownKey) {
		return nil, errUnauthorized
	}
	return s, err
}

func unknownURL(_ protocol.Session, r *http.Request) (any, error) {
	return nil, notFound("no Route matched with those values: %s %s", r.Method, r.URL.Path)
}

// SetHeader gives the reply a correlation id.
func (Protocol) SetHeader(h http.Header) { h.Set("Mistral-Correlation-Id", uuid()) }

// uuid returns an id that nothing else has, of the kind that Mistral gives to
// files and jobs.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%s-%s-%s-%s-%s",
		hex.EncodeToString(b[:4]), hex.EncodeToString(b[4:6]), hex.EncodeToString(b[6:8]), hex.EncodeToString(b[8:10]), hex.EncodeToString(b[10:]))
}

// isUUID reports whether an id is of that kind.
func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
				return false
			}
		}
	}
	return true
}
