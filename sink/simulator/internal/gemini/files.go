package gemini

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// fileObject is a file as clients see it. Sizes are texts.
type fileObject struct {
	Name           string `json:"name"`
	DisplayName    string `json:"displayName,omitempty"`
	MIMEType       string `json:"mimeType,omitempty"`
	SizeBytes      string `json:"sizeBytes"`
	CreateTime     string `json:"createTime"`
	UpdateTime     string `json:"updateTime"`
	ExpirationTime string `json:"expirationTime,omitempty"`
	URI            string `json:"uri"`
	State          string `json:"state"`
	Source         string `json:"source"`
}

// newFileObject describes a file. The base is the URL of any request for files.
func newFileObject(s protocol.Session, base string, f protocol.File) fileObject {
	version := versions[0]
	if strings.Contains(base, "/v1/") {
		version = versions[1]
	}
	host, _, _ := strings.Cut(base, "/"+version+"/")
	return fileObject{
		Name: "files/" + f.ID, DisplayName: f.Name, MIMEType: f.Purpose, SizeBytes: strconv.FormatInt(f.Bytes, 10),
		CreateTime: timestamp(f.Created), UpdateTime: timestamp(f.Created), ExpirationTime: timestamp(f.Expires),
		URI: strings.TrimSuffix(host, "/upload") + "/" + version + "/files/" + f.ID, State: fileState(s, f), Source: "UPLOADED",
	}
}

// timestamp is a time as the API writes it, empty if there is none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// maxID is how long the id of a file may be in a request for it. Those of
// result files are longer.
const maxID = 40

// file returns the file that the request's path names.
func file(s protocol.Session, r *http.Request) (protocol.File, error) {
	id := r.PathValue("id")
	if len(id) > maxID {
		return protocol.File{}, invalid("Request.name: the file id %q must have at most %d characters.", id, maxID)
	}
	f, found := s.File(id)
	if !found {
		return f, hidden(id)
	}
	return f, nil
}

func getFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	return newFileObject(s, s.URL(r.URL.Path), f), err
}

func deleteFile(s protocol.Session, r *http.Request) (any, error) {
	f, err := file(s, r)
	if err == nil {
		err = s.DeleteFile(f)
	}
	return struct{}{}, err
}

func listFiles(s protocol.Session, r *http.Request) (any, error) {
	return listPage(r, "files", s.Files(), 10, 100, func(f protocol.File) any { return newFileObject(s, s.URL(r.URL.Path), f) })
}

// record is a file or a batch.
type record interface{ Ident() protocol.Identity }

// listPage cuts the page that the request asks for out of the records, newest
// first. A list without any has no members.
func listPage[R record](r *http.Request, name string, all []R, size, most int, object func(R) any) (any, error) {
	query := r.URL.Query()
	if text := query.Get("pageSize"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, invalid("Invalid value at 'page_size' (TYPE_INT32), %q", text)
		}
		if n > 0 {
			size = min(n, most)
		}
	}
	if token := query.Get("pageToken"); token != "" {
		before, err := strconv.Atoi(token)
		if err != nil {
			return nil, invalid("The page token is invalid.")
		}
		all = slices.DeleteFunc(all, func(record R) bool { return record.Ident().Seq >= before })
	}
	page := map[string]any{}
	items := []any{}
	for _, record := range all[:min(size, len(all))] {
		items = append(items, object(record))
		if len(items) == size && len(all) > size {
			page["nextPageToken"] = strconv.Itoa(record.Ident().Seq)
		}
	}
	if len(items) > 0 {
		page[name] = items
	}
	return page, nil
}

// downloadFile sends the content of a result file, once its batch has ended:
// the batch may have said before that it succeeded.
func downloadFile(s protocol.Session, r *http.Request) (any, error) {
	if r.URL.Query().Get("alt") != "media" {
		return nil, invalid("Only alt=media downloads a file.")
	}
	id := r.PathValue("id")
	f, found := s.File(id)
	if b, isResult := s.Batch(batchOf(id)); !found || batchOf(id) != "" && (!isResult || !b.Ended() || b.Status == protocol.Expired) {
		return nil, &apiError{status: http.StatusNotFound, word: "NOT_FOUND", message: "Requested entity was not found."}
	}
	if batchOf(id) == "" {
		return nil, invalid("The file %s cannot be downloaded: only generated files can.", id)
	}
	in, err := s.Open(f)
	if err != nil {
		return nil, fmt.Errorf("simulator: read content: %w", err)
	}
	return content{file: f, in: in}, nil
}

// content is a reply that is the bytes of a file.
type content struct {
	file protocol.File
	in   *os.File
}

func (c content) serve(w http.ResponseWriter, r *http.Request) {
	defer func() { _ = c.in.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", strconv.Quote(c.file.ID))
	http.ServeContent(w, r, "", c.file.Created, c.in)
}
