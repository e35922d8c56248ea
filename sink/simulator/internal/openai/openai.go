// Package openai is OpenAI's files, batches and live calls as a
// [protocol.Protocol].
package openai

import (
	"fmt"
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Protocol is OpenAI's wire protocol.
type Protocol struct{}

// Info describes OpenAI's protocol.
func (Protocol) Info() protocol.Info {
	return protocol.Info{
		BasePath: "/v1",
		Limits: protocol.Limits{
			UploadBytes: 512_000_000, BatchBytes: 200_000_000, Rows: 50_000, EmbeddingInputs: 50_000,
		},
	}
}

// Routes returns OpenAI's files, batches and live calls.
func (Protocol) Routes() []protocol.Route {
	routes := []protocol.Route{
		route("POST /v1/files", protocol.RouteUpload, uploadFile),
		route("GET /v1/files", protocol.RouteOther, listFiles),
		route("GET /v1/files/{id}", protocol.RouteOther, getFile),
		route("DELETE /v1/files/{id}", protocol.RouteDelete, deleteFile),
		route("GET /v1/files/{id}/content", protocol.RouteDownload, downloadFile),
		route("POST /v1/batches", protocol.RouteCreate, createBatch),
		route("GET /v1/batches", protocol.RouteList, listBatches),
		route("GET /v1/batches/{id}", protocol.RoutePoll, getBatch),
		route("POST /v1/batches/{id}/cancel", protocol.RouteCancel, cancelBatch),
		route("/", protocol.RouteOther, unknownURL),
	}
	for _, endpoint := range liveEndpoints {
		routes = append(routes, route("POST "+endpoint, protocol.RouteLive, ask(endpoint)))
	}
	return routes
}

// A handler returns the reply to a request: a value that becomes JSON, or
// content, or an error.
type handler func(s protocol.Session, r *http.Request) (any, error)

func route(pattern string, kind protocol.RouteKind, handle handler) protocol.Route {
	return protocol.Route{
		Pattern: pattern,
		Kind:    kind,
		Serve: func(p protocol.Provider, w http.ResponseWriter, r *http.Request) {
			serve(p, w, r, handle)
		},
	}
}

// serve replies to one request: with JSON, with something that serves itself,
// as the content of a file does, or with an error in OpenAI's envelope.
func serve(p protocol.Provider, w http.ResponseWriter, r *http.Request, handle handler) {
	s, err := authenticate(p, r)
	var reply any
	if err == nil {
		if account := s.Account(); account != "" {
			w.Header().Set("Openai-Organization", account)
		}
		reply, err = handle(s, r)
		setRates(w.Header(), s.Rates())
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if own, servesItself := reply.(interface {
		serve(w http.ResponseWriter, r *http.Request)
	}); servesItself {
		own.serve(w, r)
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

func unknownURL(_ protocol.Session, r *http.Request) (any, error) {
	return nil, &apiError{
		status: http.StatusNotFound, Type: "invalid_request_error", Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s.", r.Method, r.URL.Path),
	}
}

// SetHeader gives the reply a request id.
func (Protocol) SetHeader(h http.Header) { h.Set("X-Request-Id", protocol.NewID("req_")) }
