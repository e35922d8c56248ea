package openai

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// file returns the file that the request's path names.
func file(s protocol.Session, r *http.Request) (protocol.File, error) {
	id := r.PathValue("id")
	f, found := s.File(id)
	if !found {
		return f, &apiError{
			status: http.StatusNotFound, Type: "invalid_request_error", Param: "id",
			Message: "No such File object: " + id,
		}
	}
	return f, nil
}

func getFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	return newFileObject(f), err
}

func listFiles(s protocol.Session, r *http.Request) (any, error) {
	query := r.URL.Query()
	purpose, order := query.Get("purpose"), query.Get("order")
	files := s.Files()
	if purpose != "" {
		files = slices.DeleteFunc(files, func(f protocol.File) bool { return f.Purpose != purpose })
	}
	switch order {
	case "asc":
		slices.Reverse(files)
	case "", "desc":
	default:
		return nil, invalid("invalid_value", "order", "Invalid value: '%s'. Supported values are: 'asc' and 'desc'.", order)
	}
	return listPage(r, files, 10_000, 10_000, func(f protocol.File) any { return newFileObject(f) })
}

func deleteFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	if err != nil {
		return nil, err
	}
	err = s.DeleteFile(f)
	return map[string]any{"id": f.ID, "object": "file", "deleted": true}, err
}

func downloadFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	if err != nil {
		return nil, err
	}
	in, err := s.Open(f)
	if err != nil {
		return nil, fmt.Errorf("simulator: read content: %w", err)
	}
	return content{file: f, in: in}, nil
}

// content is a reply that is not JSON but the bytes of a file.
type content struct {
	file protocol.File
	in   *os.File
}

// serve replies with the file, or the part of it that the request asks for.
func (c content) serve(w http.ResponseWriter, r *http.Request) {
	defer func() { _ = c.in.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", strconv.Quote(c.file.ID))
	http.ServeContent(w, r, "", c.file.Created, c.in)
}
