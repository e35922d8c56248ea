// Package gemini is the Gemini API's files, batches and live calls as a
// [protocol.Protocol].
package gemini

import (
	"net/http"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Protocol is the wire protocol of the Gemini API.
type Protocol struct{}

// Info describes the protocol. Its base is only a host: clients put the version
// into the path.
func (Protocol) Info() protocol.Info {
	return protocol.Info{Limits: protocol.Limits{
		UploadBytes: 2_000_000_000, BatchBytes: 2_000_000_000, InlineBytes: 20_000_000, OpenBatches: 100,
	}}
}

// How long things live.
const (
	batchLife  = 48 * time.Hour // until a batch expires
	uploadLife = 48 * time.Hour
	resultLife = 6 * 7 * 24 * time.Hour
)

// versions are those of the API. Both have the same routes: official clients
// differ in which one they call.
var versions = []string{"v1beta", "v1"}

// Routes returns the files, batches and live calls.
func (Protocol) Routes() []protocol.Route {
	routes := []protocol.Route{route("/", protocol.RouteOther, unknownURL)}
	for _, v := range versions {
		files, batches, models := "/"+v+"/files", "/"+v+"/batches", "/"+v+"/models/{model}"
		routes = append(routes,
			route("POST /upload"+files, protocol.RouteUpload, upload),
			route("GET "+files, protocol.RouteOther, listFiles),
			route("GET "+files+"/{id}", protocol.RouteOther, getFile),
			route("DELETE "+files+"/{id}", protocol.RouteOther, deleteFile),
			route("GET "+files+"/{id}:download", protocol.RouteDownload, downloadFile),
			route("GET /download"+files+"/{id}:download", protocol.RouteDownload, downloadFile),
			route("POST "+models+":batchGenerateContent", protocol.RouteCreate, createBatch(contentEndpoint)),
			route("POST "+models+":asyncBatchEmbedContent", protocol.RouteCreate, createBatch(embedEndpoint)),
			route("GET "+batches, protocol.RouteOther, listBatches),
			route("GET "+batches+"/{id}", protocol.RoutePoll, getBatch),
			route("POST "+batches+"/{id}:cancel", protocol.RouteOther, cancelBatch),
			route("DELETE "+batches+"/{id}", protocol.RouteOther, deleteBatch),
			route("POST "+models+":generateContent", protocol.RouteLive, ask(contentEndpoint)),
			route("POST "+models+":embedContent", protocol.RouteLive, ask(embedEndpoint)),
			route("POST "+models+":batchEmbedContents", protocol.RouteLive, embedAll),
			route("POST "+models+":countTokens", protocol.RouteOther, countTokens),
		)
	}
	return routes
}

// A handler returns the reply to a request: a value that becomes JSON, or one
// that serves itself, or an error.
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

// server is a reply that serves itself.
type server interface {
	serve(w http.ResponseWriter, r *http.Request)
}

func serve(p protocol.Provider, w http.ResponseWriter, r *http.Request, handle handler) {
	s, err := authenticate(p, r)
	var reply any
	if err == nil {
		reply, err = handle(s, r)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if own, servesItself := reply.(server); servesItself {
		own.serve(w, r)
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

func unknownURL(_ protocol.Session, r *http.Request) (any, error) {
	return nil, &apiError{status: http.StatusNotFound, word: "NOT_FOUND", message: "No such method: " + r.Method + " " + r.URL.Path}
}

// SetHeader sets the headers that all replies of Google's front end have. There
// is no request id among them.
func (Protocol) SetHeader(h http.Header) {
	h.Set("Vary", "Origin, X-Origin, Referer")
	h.Set("X-Content-Type-Options", "nosniff")
}
