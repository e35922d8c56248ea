package gemini

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// An uploadSession is what has to be known of an upload from its start on. It
// is the upload id that the client sends back, so that nothing else keeps it.
type uploadSession struct {
	ID   string `json:"id"` // of the file to be
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"` // -1 if the client did not say
	Key  []byte `json:"key"`  // sealed
}

func (u uploadSession) encode() string {
	text, _ := json.Marshal(u) //nolint:errchkjson // texts, bytes and a number
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodeSession(id string) (u uploadSession, valid bool) {
	text, err := base64.RawURLEncoding.DecodeString(id)
	valid = err == nil && json.Unmarshal(text, &u) == nil && len(u.ID) == len(protocol.NewID("")) && !strings.ContainsAny(u.ID, `/\.`)
	return u, valid
}

// granularity is what the sizes of chunks must be a multiple of.
const granularity = 256 << 10

// upload serves a command of the resumable protocol.
func upload(s protocol.Session, r *http.Request) (any, error) {
	if r.Header.Get("X-Goog-Upload-Command") == "start" {
		return startUpload(s, r)
	}
	u, valid := decodeSession(r.URL.Query().Get("upload_id"))
	if !valid {
		return nil, invalid("The upload_id is not one that was handed out, or X-Goog-Upload-Command: start is missing.")
	}
	var sends, ends bool
	for command := range strings.SplitSeq(r.Header.Get("X-Goog-Upload-Command"), ",") {
		switch strings.TrimSpace(command) {
		case "upload":
			sends = true
		case "finalize":
			ends = true
		case "query":
		case "cancel":
			s.Discard(u.ID)
			return uploaded{status: "cancelled"}, nil
		default:
			return nil, invalid("Unknown X-Goog-Upload-Command: %q.", command)
		}
	}
	return u.receive(s, r, sends, ends)
}

// uploaded is the reply to a command. The status of the upload is in a header.
type uploaded struct {
	status string
	bytes  int64
	url    string
	file   *fileObject
}

func (u uploaded) serve(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("X-Goog-Upload-Status", u.status)
	if u.url != "" {
		h.Set("X-Goog-Upload-Url", u.url)
		h.Set("X-Goog-Upload-Control-Url", u.url)
		h.Set("X-Goog-Upload-Chunk-Granularity", strconv.Itoa(granularity))
	} else {
		h.Set("X-Goog-Upload-Size-Received", strconv.FormatInt(u.bytes, 10))
	}
	if u.file == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"file": u.file})
}

func startUpload(s protocol.Session, r *http.Request) (any, error) {
	if p := r.Header.Get("X-Goog-Upload-Protocol"); p != "resumable" {
		return nil, invalid("X-Goog-Upload-Protocol is %q: the simulator knows only resumable uploads.", p)
	}
	u, err := readStart(r)
	if err != nil {
		return nil, err
	}
	u.Key = seal(keyOf(r))
	if most := s.Rules().UploadBytes; u.Size > most {
		return nil, invalid("The file is too large: %d bytes, and the limit is %d.", u.Size, most)
	}
	if _, err := s.Receive(u.ID, strings.NewReader("")); err != nil {
		return nil, err
	}
	return uploaded{status: "active", url: s.URL(r.URL.Path + "?upload_id=" + u.encode() + "&upload_protocol=resumable")}, nil
}

func readStart(r *http.Request) (u uploadSession, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return u, invalid("The request cannot be read: %v", err)
	}
	var read reader
	var file, displayName, mimeType []byte
	if len(body) > 0 {
		read.object("", body, members{"file": &file})
	}
	if file != nil {
		read.object("file", file, members{"displayName": &displayName, "mimeType": &mimeType}.with("name", "sizeBytes"))
	}
	if read.err != nil {
		return u, read.err
	}
	u = uploadSession{ID: protocol.NewID(""), Name: unquote(displayName), Type: unquote(mimeType), Size: -1}
	if u.Type == "" {
		u.Type = r.Header.Get("X-Goog-Upload-Header-Content-Type")
	}
	if len(u.Name) > 512 {
		return u, invalid("File.display_name must have at most 512 characters.")
	}
	if length := r.Header.Get("X-Goog-Upload-Header-Content-Length"); length != "" {
		if u.Size, err = strconv.ParseInt(length, 10, 64); err != nil || u.Size < 0 {
			return u, invalid("X-Goog-Upload-Header-Content-Length is no length: %q.", length)
		}
	}
	return u, nil
}

// receive takes content, or says how much there is.
func (u uploadSession) receive(s protocol.Session, r *http.Request, sends, ends bool) (any, error) {
	bytes, err := s.ReceiveAt(u.ID, -1, nil)
	switch f, found := s.File(u.ID); {
	case errors.Is(err, fs.ErrNotExist) && found:
		return finished(s, r, f), nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, &apiError{status: http.StatusNotFound, word: "NOT_FOUND", message: "There is no such upload."}
	case err == nil && sends:
		bytes, err = u.append(s, r, bytes)
	}
	switch {
	case err != nil:
		return nil, err
	case !ends:
		return uploaded{status: "active", bytes: bytes}, nil
	case u.Size >= 0 && bytes != u.Size:
		return nil, invalid("The upload has %d bytes of %d.", bytes, u.Size)
	}
	f, err := s.AddFile(protocol.File{
		Identity: protocol.Identity{ID: u.ID}, Name: u.Name, Purpose: u.Type, Bytes: bytes, Expires: s.Now().Add(uploadLife),
	})
	if err != nil {
		return nil, err
	}
	return finished(s, r, f), nil
}

// finished is the reply to the end of an upload.
func finished(s protocol.Session, r *http.Request, f protocol.File) uploaded {
	object := newFileObject(s, s.URL(r.URL.Path), f)
	return uploaded{status: "final", bytes: f.Bytes, file: &object}
}

// append takes the content that follows the bytes that there are.
func (u uploadSession) append(s protocol.Session, r *http.Request, bytes int64) (int64, error) {
	most := s.Rules().UploadBytes
	if u.Size >= 0 {
		most = u.Size
	}
	if offset := r.Header.Get("X-Goog-Upload-Offset"); offset != strconv.FormatInt(bytes, 10) {
		return bytes, invalid("X-Goog-Upload-Offset is %q, and the upload has %d bytes.", offset, bytes)
	}
	after, err := s.ReceiveAt(u.ID, bytes, io.LimitReader(r.Body, most-bytes+1))
	switch {
	case err != nil:
		return after, invalid("The upload cannot be read: %v", err)
	case after > most:
		s.Discard(u.ID)
		return after, invalid("The upload is too large: more than %d bytes.", most)
	}
	return after, nil
}
