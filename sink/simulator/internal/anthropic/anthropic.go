// Package anthropic is Anthropic's message batches and live calls as a
// [protocol.Protocol], in both versions of the API.
package anthropic

import (
	"net/http"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// The versions of the API.
const (
	version2026 = "2026-10-21"
	version2023 = "2023-06-01"
)

const (
	window  = 24 * time.Hour      // of a batch
	archive = 29 * 24 * time.Hour // after its creation its results are gone
)

// Protocol is Anthropic's wire protocol.
type Protocol struct{}

// Info describes Anthropic's protocol. How many rows may be in the queue is
// what an account that begins has.
func (Protocol) Info() protocol.Info {
	return protocol.Info{
		Limits:     protocol.Limits{UploadBytes: 500_000_000, BatchBytes: 256_000_000, Rows: 100_000, EnqueuedRows: 200_000},
		NeverFails: true,
	}
}

// Routes returns Anthropic's batches, files and live calls.
func (Protocol) Routes() []protocol.Route {
	return []protocol.Route{
		route("POST /v1/messages/batches", protocol.RouteCreate, createBatch),
		route("GET /v1/messages/batches", protocol.RouteList, listBatches),
		route("GET /v1/messages/batches/{id}", protocol.RoutePoll, getBatch),
		route("DELETE /v1/messages/batches/{id}", protocol.RouteDelete, deleteBatch),
		route("POST /v1/messages/batches/{id}/cancel", protocol.RouteCancel, cancelBatch),
		route("GET /v1/messages/batches/{id}/results", protocol.RouteDownload, sendResults),
		route("POST /v1/files", protocol.RouteUpload, aboutFiles(uploadFile)),
		route("GET /v1/files", protocol.RouteOther, aboutFiles(listFiles)),
		route("GET /v1/files/{id}", protocol.RouteOther, aboutFiles(getFile)),
		route("DELETE /v1/files/{id}", protocol.RouteDelete, aboutFiles(deleteFile)),
		route("POST /v1/messages", protocol.RouteLive, ask),
		route("POST /v1/messages/count_tokens", protocol.RouteOther, countTokens),
		route("/", protocol.RouteOther, unknownURL),
	}
}

// call is a request that was let in.
type call struct {
	protocol.Session
	r       *http.Request
	version string
}

// A handler returns the reply to a request: a value that becomes JSON, or
// something that serves itself, or an error.
type handler func(c call) (any, error)

func route(pattern string, kind protocol.RouteKind, handle handler) protocol.Route {
	return protocol.Route{
		Pattern: pattern,
		Kind:    kind,
		Serve: func(p protocol.Provider, w http.ResponseWriter, r *http.Request) {
			serve(p, w, r, handle)
		},
	}
}

func serve(p protocol.Provider, w http.ResponseWriter, r *http.Request, handle handler) {
	c, err := admit(p, r)
	var reply any
	if err == nil {
		w.Header().Set("Anthropic-Organization-Id", organization(c.Account()))
		reply, err = handle(c)
		setRates(w.Header(), c.Rates(), c.Now())
	}
	if err != nil {
		now := time.Now()
		if c.Session != nil {
			now = c.Now()
		}
		writeError(w, err, now)
		return
	}
	if own, servesItself := reply.(interface{ serve(w http.ResponseWriter) }); servesItself {
		own.serve(w)
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

func organization(account string) string {
	if account == "" {
		return "org-simulator"
	}
	return account
}

func unknownURL(c call) (any, error) {
	return nil, &apiError{status: http.StatusNotFound, message: "Not found: " + c.r.Method + " " + c.r.URL.Path}
}

// SetHeader gives the reply a request id.
func (Protocol) SetHeader(h http.Header) { h.Set("Request-Id", protocol.NewID("req_")) }
