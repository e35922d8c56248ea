package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// openAIRoutes are OpenAI's files and batches. The patterns are also the names
// of the routes in [Fault] and [Request].
func openAIRoutes() map[string]openAIHandler {
	return map[string]openAIHandler{
		"POST /v1/files":               (*Simulator).uploadFile,
		"GET /v1/files":                (*Simulator).listFiles,
		"GET /v1/files/{id}":           (*Simulator).getFile,
		"DELETE /v1/files/{id}":        (*Simulator).deleteFile,
		"GET /v1/files/{id}/content":   (*Simulator).downloadFile,
		"POST /v1/batches":             (*Simulator).createBatch,
		"GET /v1/batches":              (*Simulator).listBatches,
		"GET /v1/batches/{id}":         (*Simulator).getBatch,
		"POST /v1/batches/{id}/cancel": (*Simulator).cancelBatch,
		"/":                            (*Simulator).unknownURL,
	}
}

// openAIHandler returns the answer to a request of the owner of a key: a value
// that becomes JSON, or content, or an error.
type openAIHandler func(s *Simulator, r *http.Request, owner string) (any, error)

// providerRoutes serves all that providers offer.
func (s *Simulator) providerRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, handle := range openAIRoutes() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.openAI(w, r, handle)
		})
	}
	return mux
}

func (s *Simulator) unknownURL(r *http.Request, _ string) (any, error) {
	return nil, &apiError{
		status: http.StatusNotFound, Type: "invalid_request_error", Code: "unknown_url",
		Message: fmt.Sprintf("Unknown request URL: %s %s.", r.Method, r.URL.Path),
	}
}

// openAI answers one request: with JSON, with the content of a file or with an
// error in OpenAI's envelope.
func (s *Simulator) openAI(w http.ResponseWriter, r *http.Request, handle openAIHandler) {
	owner, account, err := s.authenticate(r)
	var answer any
	if err == nil {
		if account != "" {
			w.Header().Set("Openai-Organization", account)
		}
		answer, err = handle(s, r, owner)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if content, isContent := answer.(content); isContent {
		content.serve(w, r)
		return
	}
	writeAnswer(w, http.StatusOK, answer)
}

// authenticate returns the owner of the objects that the request may see, and
// the account's name if it has one.
func (s *Simulator) authenticate(r *http.Request) (owner, account string, err error) {
	key, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found || key == "" {
		return "", "", &apiError{
			status: http.StatusUnauthorized, Type: "invalid_request_error",
			Message: "You didn't provide an API key in an Authorization header using Bearer auth.",
		}
	}
	if len(s.cfg.Keys) > 0 && !slices.Contains(s.cfg.Keys, key) {
		return "", "", &apiError{
			status: http.StatusUnauthorized, Type: "invalid_request_error", Code: "invalid_api_key",
			Message: "Incorrect API key provided.",
		}
	}
	if account, named := s.cfg.Accounts[key]; named {
		return fingerprint("account " + account), account, nil
	}
	return fingerprint(key), "", nil
}

// fingerprint stands for a key where the key itself must not be kept.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// apiError is an error as OpenAI's API reports it.
type apiError struct {
	status  int
	Message string
	Type    string
	Param   string // empty: null
	Code    string // empty: null
}

func (e *apiError) Error() string { return e.Message }

// invalid returns a 400 that blames a parameter.
func invalid(code, param, format string, args ...any) *apiError {
	return &apiError{
		status: http.StatusBadRequest, Type: "invalid_request_error",
		Code: code, Param: param, Message: fmt.Sprintf(format, args...),
	}
}

func (e *apiError) envelope() any {
	orNull := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return map[string]any{"error": map[string]any{
		"message": e.Message, "type": e.Type, "param": orNull(e.Param), "code": orNull(e.Code),
	}}
}

func writeError(w http.ResponseWriter, err error) {
	e, isAPI := err.(*apiError) //nolint:errorlint // handlers return it bare
	if !isAPI {
		e = &apiError{status: http.StatusInternalServerError, Type: "server_error", Message: err.Error()}
	}
	writeAnswer(w, e.status, e.envelope())
}

func writeAnswer(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that went away needs no answer
}
