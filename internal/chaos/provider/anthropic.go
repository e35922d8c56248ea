package provider

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// anthropic is the front that speaks the protocol of Anthropic's Message
// Batches. A batch is created with its rows, has no tag, and is validated row
// by row as it runs.
type anthropic struct{ *server }

const (
	workspaceHeader = "Anthropic-Workspace-Id"
	otherWorkspace  = "wrkspc_other"
)

// versions are those of the API that there are.
var versions = []string{"2023-06-01", "2026-10-21"}

// url implements front.
func (anthropic) url(addr string) string { return "http://" + addr }

// route implements front.
func (s anthropic) route(r *http.Request) call {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/messages/batches")
	parts := strings.Split(path, "/")
	id := ""
	if len(parts) > 1 {
		id = parts[1]
	}
	what := r.Method + strconv.Itoa(len(parts))
	if len(parts) > 2 {
		what += parts[2]
	}
	switch {
	case !ok:
	case what == "POST1":
		return call{"create", "", s.create}
	case what == "GET1":
		return call{"list", "", s.list}
	case what == "GET2":
		return call{"status", id, on(id, s.getBatch)}
	case what == "DELETE2":
		return call{"delete", id, on(id, s.remove)}
	case what == "POST3cancel":
		return call{"cancel", id, on(id, s.cancel)}
	case what == "GET3results":
		return call{"content", id, on(id, s.results)}
	}
	return call{"none", "", func(w http.ResponseWriter, _ *http.Request) {
		deny(w, 404, "not_found_error", "Not Found")
	}}
}

// admits implements front: the key stands in either of two headers, and the
// version has to be one of those that there are.
func (anthropic) admits(w http.ResponseWriter, r *http.Request) bool {
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch version := r.Header.Get("Anthropic-Version"); {
	case bearer == "" && r.Header.Get("X-Api-Key") == "":
		deny(w, 401, "authentication_error", "x-api-key header is required")
	case version == "":
		deny(w, 400, "invalid_request_error", "anthropic-version: header is required")
	case !slices.Contains(versions, version):
		deny(w, 400, "invalid_request_error", fmt.Sprintf("anthropic-version: %q is not a valid version", version))
	default:
		w.Header().Set("Anthropic-Organization-Id", "org_1")
		w.Header().Set("Anthropic-Ratelimit-Requests-Limit", "1000")
		w.Header().Set("Anthropic-Ratelimit-Requests-Remaining", "999")
		return true
	}
	return false
}

// refuse implements front.
func (anthropic) refuse(w http.ResponseWriter, status int, target string) {
	switch status {
	case 401:
		deny(w, status, "authentication_error", "invalid x-api-key")
	case 404:
		deny(w, status, "not_found_error", "Not found: "+target)
	case 429:
		deny(w, status, "rate_limit_error", "This request would exceed your organization's rate limit")
	case 529:
		deny(w, status, "overloaded_error", "Overloaded")
	default:
		deny(w, status, "api_error", "Internal server error")
	}
}

// deny replies with an error.
func deny(w http.ResponseWriter, status int, kind, message string) {
	reply(w, status, jsonObject{
		"type": "error", "error": jsonObject{"type": kind, "message": message}, "request_id": "req_" + kind,
	})
}

// refuses implements front: a batch that was created runs.
func (anthropic) refuses(*BatchRecord) bool { return false }
