package simulator

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
)

func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// file returns the owner's file that the request's path names.
func (s *Simulator) file(r *http.Request, owner string) (file, error) {
	id := r.PathValue("id")
	f, found := s.files.get(id)
	if now := s.asOf(r); !found || f.Owner != owner || f.gone(now) || f.Created.After(now) {
		return f, &apiError{
			status: http.StatusNotFound, Type: "invalid_request_error", Param: "id",
			Message: "No such File object: " + id,
		}
	}
	return f, nil
}

func (s *Simulator) getFile(r *http.Request, owner string) (any, error) {
	f, err := s.file(r, owner)
	return f.object(), err
}

func (s *Simulator) listFiles(r *http.Request, owner string) (any, error) {
	query := r.URL.Query()
	purpose, order, now := query.Get("purpose"), query.Get("order"), s.asOf(r)
	var files []file
	for _, f := range slices.Backward(s.files.all()) {
		if f.Owner == owner && !f.gone(now) && !f.Created.After(now) && (purpose == "" || f.Purpose == purpose) {
			files = append(files, f)
		}
	}
	switch order {
	case "asc":
		slices.Reverse(files)
	case "", "desc":
	default:
		return nil, invalid("invalid_value", "order", "Invalid value: '%s'. Supported values are: 'asc' and 'desc'.", order)
	}
	return listPage(r, files, 10_000, 10_000, func(f file) any { return f.object() })
}

// listPage cuts the page that the request asks for out of the objects.
func listPage[R identified](r *http.Request, all []R, limit, most int, object func(R) any) (any, error) {
	query := r.URL.Query()
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			return nil, invalid("invalid_value", "limit", "Invalid 'limit': must be between 1 and %d.", most)
		}
		limit = n
	}
	if after := query.Get("after"); after != "" {
		i := slices.IndexFunc(all, func(record R) bool { return record.ident().ID == after })
		if i < 0 {
			return nil, invalid("invalid_value", "after", "Invalid 'after': no object has the id '%s'.", after)
		}
		all = all[i+1:]
	}
	page := listObject{Object: "list", Data: []any{}, HasMore: len(all) > limit}
	for _, record := range all[:min(limit, len(all))] {
		page.Data = append(page.Data, object(record))
		id := record.ident().ID
		if page.FirstID == nil {
			page.FirstID = &id
		}
		page.LastID = &id
	}
	return page, nil
}

func (s *Simulator) deleteFile(r *http.Request, owner string) (any, error) {
	f, err := s.file(r, owner)
	if err != nil {
		return nil, err
	}
	f, err = s.files.update(f.ID, func(f *file) bool {
		f.Deleted = true
		return true
	})
	if err == nil {
		err = s.removeContent(f)
	}
	return map[string]any{"id": f.ID, "object": "file", "deleted": true}, err
}

// removeContent frees the space of a deleted file, unless a batch still reads
// it. The batch does it when it ends.
func (s *Simulator) removeContent(f file) error {
	for _, b := range s.batches.all() {
		if b.InputFile == f.ID && !b.ended() {
			return nil
		}
	}
	if err := os.Remove(s.contentPath(f.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("simulator: remove content: %w", err)
	}
	return nil
}

func (s *Simulator) downloadFile(r *http.Request, owner string) (any, error) {
	f, err := s.file(r, owner)
	if err != nil {
		return nil, err
	}
	in, err := os.Open(s.contentPath(f.ID))
	if err != nil {
		return nil, fmt.Errorf("simulator: read content: %w", err)
	}
	return content{file: f, in: in}, nil
}

// content is an answer that is not JSON but the bytes of a file.
type content struct {
	file file
	in   *os.File
}

// serve answers with the file, or the part of it that the request asks for.
func (c content) serve(w http.ResponseWriter, r *http.Request) {
	defer func() { _ = c.in.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", strconv.Quote(c.file.ID))
	http.ServeContent(w, r, "", c.file.Created, c.in)
}
