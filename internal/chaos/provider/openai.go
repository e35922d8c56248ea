package provider

import (
	"net/http"
	"strconv"
	"strings"
)

// openai is the front that speaks OpenAI's protocol.
type openai struct{ *server }

// url implements front.
func (openai) url(addr string) string { return "http://" + addr + "/v1" }

// admits implements front.
func (openai) admits(w http.ResponseWriter, r *http.Request) bool {
	ok := strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		refuse(w, 401, "no key", "")
	}
	return ok
}

// refuse implements front.
func (openai) refuse(w http.ResponseWriter, status int, target string) {
	switch status {
	case 401:
		refuse(w, status, "Incorrect API key provided", "invalid_api_key")
	case 404:
		refuse(w, status, "No such File object: "+target, "")
	case 429:
		refuse(w, status, "Rate limit reached", "rate_limit_exceeded")
	default:
		refuse(w, status, "Something went wrong", "")
	}
}

// route implements front.
func (s openai) route(r *http.Request) call {
	path := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1"), "/"), "/")
	id := ""
	if len(path) > 1 {
		id = path[1]
	}
	switch r.Method + " " + path[0] + strconv.Itoa(len(path)) {
	case "POST files1":
		return call{"upload", "", s.upload}
	case "GET files1":
		return call{"files", "", s.listFiles}
	case "GET files2":
		return call{"file", id, on(id, s.getFile)}
	case "DELETE files2":
		return call{"delete", id, on(id, s.deleteFile)}
	case "GET files3":
		return call{"content", id, on(id, s.content)}
	case "POST batches1":
		return call{"create", "", s.create}
	case "GET batches1":
		return call{"list", "", s.list}
	case "GET batches2":
		return call{"status", id, on(id, s.getBatch)}
	case "POST batches3":
		return call{"cancel", id, on(id, s.cancel)}
	}
	return call{"none", "", func(w http.ResponseWriter, _ *http.Request) { refuse(w, 404, "unknown route", "") }}
}

func refuse(w http.ResponseWriter, status int, message, code string) {
	reply(w, status, jsonObject{"error": jsonObject{"message": message, "type": "error", "param": nil, "code": orNull(code)}})
}

func badInput(w http.ResponseWriter) {
	reply(w, 400, jsonObject{"error": jsonObject{
		"message": "Cannot find the file, or organization o does not have access to it.", "type": "invalid_request_error",
		"param": "input_file_id", "code": "invalid_request",
	}})
}
