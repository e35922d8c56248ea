package provider

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// upload takes a file. Nothing of it is kept if its end does not come.
func (s openai) upload(w http.ResponseWriter, r *http.Request) {
	parts, err := r.MultipartReader()
	if err != nil {
		refuse(w, 400, "not multipart", "")
		return
	}
	var name, purpose string
	var content []byte
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(p)
		}
		if err != nil {
			refuse(w, 400, "the body is torn", "")
			return
		}
		switch p.FormName() {
		case "file":
			name, content = p.FileName(), b
		case "purpose":
			purpose = string(b)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case purpose != "batch" || name == "":
		refuse(w, 400, "purpose or file is missing", "")
	case s.plan.MaxBytes > 0 && int64(len(content)) > s.plan.MaxBytes:
		s.dice.note(UploadTooLarge, name)
		refuse(w, 413, "The file is too large", "")
	default:
		reply(w, 200, s.add(name, content).object())
	}
}

func (s openai) add(name string, content []byte) *fileRecord {
	now := time.Now()
	f := &fileRecord{ID: fmt.Sprintf("file-%d", len(s.files)+1), Name: name, Purpose: "batch", Created: now, Listed: now}
	if s.dice.roll(FilesLag, f.ID) {
		f.Listed = now.Add(s.dice.between(100*time.Millisecond, 2*time.Second))
	}
	s.keep(f, content)
	return f
}

func (f *fileRecord) object() jsonObject {
	return jsonObject{
		"id": f.ID, "object": "file", "bytes": f.Bytes, "created_at": f.Created.Unix(), "expires_at": nil,
		"filename": f.Name, "purpose": f.Purpose, "status": "processed", "status_details": nil,
	}
}

func (s openai) listFiles(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := number(r, "limit", 10_000)
	purpose, after := r.URL.Query().Get("purpose"), r.URL.Query().Get("after")
	data, more := []jsonObject{}, false
	newest := r.URL.Query().Get("order") != "asc"
	for i := range s.order {
		f := s.order[i]
		if newest {
			f = s.order[len(s.order)-1-i]
		}
		if after != "" {
			if f.ID == after {
				after = ""
			}
			continue
		}
		if f.deleted || purpose != "" && f.Purpose != purpose || time.Now().Before(f.Listed) {
			continue
		}
		if len(data) == limit {
			more = true
			break
		}
		data = append(data, f.object())
	}
	reply(w, 200, listing(data, more))
}

// known finds a file, or says that there is none.
func (s openai) known(w http.ResponseWriter, id string) *fileRecord {
	f := s.files[id]
	if f == nil || f.deleted {
		refuse(w, 404, "No such File object: "+id, "")
		return nil
	}
	return f
}

func (s openai) getFile(w http.ResponseWriter, _ *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.known(w, id); f != nil {
		reply(w, 200, f.object())
	}
}

func (s openai) deleteFile(w http.ResponseWriter, _ *http.Request, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.known(w, id); f != nil {
		s.happen(event{Delete: id})
		reply(w, 200, jsonObject{"id": id, "object": "file", "deleted": true})
	}
}

func (s openai) content(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	f := s.known(w, id)
	s.mu.Unlock()
	if f == nil {
		return
	}
	file, err := os.Open(s.path(id))
	if err != nil {
		panic(err)
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+id+`"`)
	http.ServeContent(w, r, "", f.Created, file)
}
