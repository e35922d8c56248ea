// Package openai is OpenAI's files and batches as a [protocol.Protocol].
package openai

import (
	"fmt"
	"net/http"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Protocol is OpenAI's wire protocol.
type Protocol struct{}

// createRoute is the route that creates batches.
const createRoute = "POST /v1/batches"

// Routes returns OpenAI's files and batches.
func (Protocol) Routes() []protocol.Route {
	return []protocol.Route{
		route("POST /v1/files", uploadFile),
		route("GET /v1/files", listFiles),
		route("GET /v1/files/{id}", getFile),
		route("DELETE /v1/files/{id}", deleteFile),
		route("GET /v1/files/{id}/content", downloadFile),
		route(createRoute, createBatch),
		route("GET /v1/batches", listBatches),
		route("GET /v1/batches/{id}", getBatch),
		route("POST /v1/batches/{id}/cancel", cancelBatch),
		route("/", unknownURL),
	}
}

// A handler returns the reply to a request: a value that becomes JSON, or
// content, or an error.
type handler func(s protocol.Session, r *http.Request) (any, error)

func route(pattern string, handle handler) protocol.Route {
	return protocol.Route{
		Pattern: pattern,
		Creates: pattern == createRoute,
		Serve: func(p protocol.Provider, w http.ResponseWriter, r *http.Request) {
			serve(p, w, r, handle)
		},
	}
}

// serve replies to one request: with JSON, with the content of a file or with
// an error in OpenAI's envelope.
func serve(p protocol.Provider, w http.ResponseWriter, r *http.Request, handle handler) {
	s, err := authenticate(p, r)
	var reply any
	if err == nil {
		if account := s.Account(); account != "" {
			w.Header().Set("Openai-Organization", account)
		}
		reply, err = handle(s, r)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if content, isContent := reply.(content); isContent {
		content.serve(w, r)
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
