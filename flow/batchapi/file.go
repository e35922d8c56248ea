package batchapi

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// file is what a caller has uploaded, or the results of a batch.
type file struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner"`
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// The purposes of files.
const (
	purposeBatch  = "batch"
	purposeOutput = "batch_output"
)

func content(id string) string { return path.Join(filesDir, id+".data") }

// path is where a source finds a file.
func (s *Server) path(id string) string {
	return filepath.Join(s.cfg.Dir.Path(), filepath.FromSlash(content(id)))
}

// addFile keeps what is known of a file whose content is there.
func (s *Server) addFile(f file) error {
	if err := s.keep(path.Join(filesDir, f.ID+".json"), f); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[f.ID] = f
	return nil
}

// file returns a file of an owner.
func (s *Server) file(id, owner string) (file, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[id]
	return f, ok && f.Owner == owner
}

// removeFile forgets a file before its content: what is left of it by a crash
// is no file.
func (s *Server) removeFile(id string) error {
	if err := s.drop(path.Join(filesDir, id+".json")); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.files, id)
	s.mu.Unlock()
	return s.drop(content(id))
}

// clean removes contents that are no file: a crash has left them. No call is
// under way yet.
func (s *Server) clean() error {
	names, err := fs.Glob(s.root.FS(), filesDir+"/*.data*")
	for _, name := range names {
		id, _ := strings.CutSuffix(path.Base(name), ".data")
		if _, known := s.files[id]; !known {
			err = errors.Join(err, s.drop(name))
		}
	}
	return err
}

// user is the unfinished batch that needs a file, nil if none does.
func (s *Server) user(id string) *batch {
	if users := s.all(func(r *record) bool { return r.Input == id && !r.ended() }); len(users) > 0 {
		return users[0]
	}
	return nil
}

// sweep removes files and batches whose time is over.
func (s *Server) sweep() {
	now := time.Now()
	s.mu.Lock()
	var old []string
	for id, f := range s.files {
		if now.After(f.Expires) {
			old = append(old, id)
		}
	}
	s.mu.Unlock()
	for _, id := range old {
		if s.user(id) != nil {
			continue
		}
		if err := s.removeFile(id); err != nil {
			s.log.Error("an old file cannot be removed", "file", id, "error", err)
		}
	}
	for _, b := range s.all(func(r *record) bool { return !r.ended() && now.After(r.Expires.Add(s.cfg.Keep)) }) {
		if err := s.orphan(b); err != nil {
			s.log.Error("a batch that waits for its caller cannot be given up", "batch", b.snapshot().ID, "error", err)
		}
	}
	for _, b := range s.all(func(r *record) bool { return r.ended() && (r.Deleted && !r.Left || now.After(r.Ended.Add(s.cfg.Keep))) }) {
		if err := s.forget(b); err != nil {
			s.log.Error("an old batch cannot be removed", "batch", b.snapshot().ID, "error", err)
		}
	}
}

// fileObject is a file as callers see it.
type fileObject struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     *int64  `json:"expires_at"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`
	StatusDetails *string `json:"status_details"`
}

func (f *file) object() fileObject {
	return fileObject{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.Created.Unix(), ExpiresAt: unix(f.Expires),
		Filename: f.Name, Purpose: f.Purpose, Status: "processed",
	}
}

// unix is null for the zero time.
func unix(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}

func (s *Server) listFiles(c *call) error {
	query := c.r.URL.Query()
	purpose := query.Get("purpose")
	s.mu.Lock()
	var all []file
	for _, f := range s.files {
		if f.Owner == c.owner && (purpose == "" || f.Purpose == purpose) {
			all = append(all, f)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(x, y file) int { return newer(x.Created, y.Created, x.ID, y.ID) })
	if query.Get("order") == "asc" {
		slices.Reverse(all)
	}
	var objects []any
	var ids []string
	for i := range all {
		objects, ids = append(objects, all[i].object()), append(ids, all[i].ID)
	}
	p, err := pageOf(c.r, ids, 10_000, 10_000)
	if err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, p.openai(objects))
	return nil
}

func (s *Server) getFile(c *call) error {
	f, err := s.fileOf(c)
	if err == nil {
		writeJSON(c.w, http.StatusOK, f.object())
	}
	return err
}

func (s *Server) fileOf(c *call) (file, error) {
	id := c.r.PathValue("id")
	f, ok := s.file(id, c.owner)
	if !ok {
		return f, &apiError{http.StatusNotFound, "", "id", "No such File object: " + id}
	}
	return f, nil
}

func (s *Server) getContent(c *call) error {
	f, err := s.fileOf(c)
	if err != nil {
		return err
	}
	return s.send(c, f.ID, "application/octet-stream")
}

// send answers with the content of a file.
func (s *Server) send(c *call, id, kind string) error {
	in, err := s.root.Open(content(id))
	if errors.Is(err, os.ErrNotExist) {
		return notFound("No such File object: %s", id)
	}
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", kind)
	c.w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	_, _ = in.WriteTo(c.w) // a client that went away needs no more
	return nil
}

func (s *Server) deleteFile(c *call) error {
	f, err := s.fileOf(c)
	if err != nil {
		return err
	}
	if user := s.user(f.ID); user != nil {
		return conflict("The file is the input of the batch '%s', which has not ended.", user.snapshot().ID)
	}
	if err := s.removeFile(f.ID); err != nil {
		return err
	}
	writeJSON(c.w, http.StatusOK, map[string]any{"id": f.ID, "object": "file", "deleted": true})
	return nil
}
