package openai

import (
	"errors"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// authenticate returns the session of the key in the request.
func authenticate(p protocol.Provider, r *http.Request) (protocol.Session, error) {
	key, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found || key == "" {
		return nil, &apiError{
			status: http.StatusUnauthorized, Type: "invalid_request_error",
			Message: "You didn't provide an API key in an Authorization header using Bearer auth.",
		}
	}
	s, err := p.Session(r, key)
	if errors.Is(err, protocol.ErrUnknownKey) {
		return nil, &apiError{
			status: http.StatusUnauthorized, Type: "invalid_request_error", Code: "invalid_api_key",
			Message: "Incorrect API key provided.",
		}
	}
	return s, err
}
