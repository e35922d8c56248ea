package batchapi

import (
	"mime"
	"net/http"
	"strings"
)

// call is a call that is answered.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	caller Caller
	owner  string
}

// Serves reports whether a path is one that the Server answers in a protocol,
// which is OpenAI or Anthropic.
func Serves(protocol, path string) bool {
	for _, prefix := range prefixes[protocol] {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

const (
	filesPath     = "/v1/files"
	batchesPath   = "/v1/batches"
	anthropicPath = "/v1/messages/batches"
)

var prefixes = map[string][]string{OpenAI: {filesPath, batchesPath}, Anthropic: {anthropicPath}}

func protocolOf(path string) string {
	if Serves(Anthropic, path) {
		return Anthropic
	}
	return OpenAI
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	for pattern, answer := range map[string]func(*call) error{
		"POST " + filesPath:                    s.uploadFile,
		"GET " + filesPath:                     s.listFiles,
		"GET " + filesPath + "/{id}":           s.getFile,
		"GET " + filesPath + "/{id}/content":   s.getContent,
		"DELETE " + filesPath + "/{id}":        s.deleteFile,
		"POST " + batchesPath:                  s.createBatch,
		"GET " + batchesPath:                   s.listBatches,
		"GET " + batchesPath + "/{id}":         s.getBatch,
		"POST " + batchesPath + "/{id}/cancel": s.cancelBatch,

		"POST " + anthropicPath:                  s.createMessages,
		"GET " + anthropicPath:                   s.listMessages,
		"GET " + anthropicPath + "/{id}":         s.getMessages,
		"POST " + anthropicPath + "/{id}/cancel": s.cancelMessages,
		"DELETE " + anthropicPath + "/{id}":      s.deleteMessages,
		"GET " + anthropicPath + "/{id}/results": s.getResults,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c := &call{w: w, r: r, caller: callerOf(protocolOf(r.URL.Path), r.Header)}
			c.owner = c.caller.owner()
			for _, name := range []string{"X-Request-Id", "Request-Id"} { // OpenAI's and Anthropic's
				w.Header().Set(name, newID("req_"))
			}
			err := s.admit(c) //nolint:contextcheck // it is in c
			if err == nil {
				s.wake(&c.caller, c.owner)
				err = answer(c)
			}
			if err != nil {
				s.fail(c, err)
			}
		})
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, protocolOf(r.URL.Path), &apiError{status: http.StatusNotFound, message: "Unknown request URL: " + r.Method + " " + r.URL.Path})
	})
	s.web = sameOrigin(s.mux)
}

// sameOrigin refuses what a page of another site makes a browser ask: such a
// call needs no key if Connect needs none.
func sameOrigin(mux http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, protocolOf(r.URL.Path), &apiError{status: http.StatusForbidden, message: "A page of another site may not call this server."})
	}))
	return guard.Handler(mux)
}

// mustBeJSON refuses a body that does not say that it is JSON: a browser sends
// such a one for any page without asking the server first.
func (c *call) mustBeJSON() error {
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if kind != "application/json" {
		return &apiError{status: http.StatusUnsupportedMediaType, message: "The Content-Type must be application/json."}
	}
	return nil
}
