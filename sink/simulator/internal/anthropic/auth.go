package anthropic

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// admit lets in a request with a key and a version. The key is in either
// header, whatever the version. A workspace sees its own batches alone.
func admit(p protocol.Provider, r *http.Request) (c call, err error) {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	key := cmp.Or(r.Header.Get("X-Api-Key"), bearer)
	if key == "" {
		return c, &apiError{status: http.StatusUnauthorized, message: "x-api-key header is required"}
	}
	c = call{r: r, version: r.Header.Get("Anthropic-Version")}
	c.Session, err = p.Session(r, key, r.Header.Get("Anthropic-Workspace-Id"))
	switch {
	case errors.Is(err, protocol.ErrUnknownKey):
		return c, &apiError{status: http.StatusUnauthorized, message: "invalid x-api-key"}
	case err != nil:
		return c, err
	case c.version == "":
		return c, invalid("anthropic-version: header is required")
	case c.version != version2026 && c.version != version2023:
		return c, invalid("anthropic-version: %q is not a valid version", c.version)
	}
	return c, nil
}

// invalid returns a 400.
func invalid(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}
