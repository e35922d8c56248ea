package simulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// kept is an answer that is not sent yet.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newKept() *kept { return &kept{header: make(http.Header), status: http.StatusOK} }

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }
func (k *kept) WriteHeader(status int)      { k.status = status }

// send sends the answer with another body, whose length it announces.
func (k *kept) send(w http.ResponseWriter, body []byte) {
	maps.Copy(w.Header(), k.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(k.status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// rewrite serves the request and answers with what f makes of the body, and
// with a header more.
func (m *mount) rewrite(w http.ResponseWriter, r *http.Request, header map[string]string, f func([]byte) []byte) {
	k := newKept()
	m.router.mux.ServeHTTP(k, r)
	for name, value := range header {
		k.header.Set(name, value)
	}
	k.send(w, f(k.body.Bytes()))
}

// replace is what ActionReplace answers with.
func (f Fault) replace(w http.ResponseWriter) {
	k := newKept()
	if f.Status != 0 {
		k.status = f.Status
	}
	for name, value := range f.Header {
		k.header.Set(name, value)
	}
	k.send(w, []byte(f.Body))
}

// cut is what ActionCut lets through of a body.
func (f Fault) cut(body []byte) []byte {
	n := f.Bytes
	if n == 0 {
		n = int64(len(body)) / 2
	}
	return body[:min(n, int64(len(body)))]
}

// cutLines is the first half of the lines of a body, and all of a single one.
func cutLines(body []byte) []byte {
	half := (bytes.Count(body, []byte("\n")) + 1) / 2
	kept := 0
	for line := range bytes.Lines(body) {
		if half == 0 {
			break
		}
		kept += len(line)
		half--
	}
	return body[:kept]
}

// compress serves the request and compresses the answer.
func (m *mount) compress(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		m.router.mux.ServeHTTP(w, r)
		return
	}
	m.rewrite(w, r, map[string]string{"Content-Encoding": "gzip"}, func(body []byte) []byte {
		var zipped bytes.Buffer
		zip := gzip.NewWriter(&zipped)
		_, _ = zip.Write(body) // a buffer takes all
		_ = zip.Close()
		return zipped.Bytes()
	})
}

// prepend is a body with that of the fault before it.
func (f Fault) prepend(body []byte) []byte { return append([]byte(f.Body), body...) }

// merge merges the fault's object into the object of a body, or into each that
// it consists of; a body that is none stays as it is.
func (f Fault) merge(body []byte) []byte {
	var patch map[string]any
	if decode(f.Merge, &patch) != nil {
		return body
	}
	var merged bytes.Buffer
	out, in := json.NewEncoder(&merged), json.NewDecoder(bytes.NewReader(body))
	out.SetEscapeHTML(false)
	in.UseNumber()
	for {
		var target map[string]any
		switch err := in.Decode(&target); {
		case errors.Is(err, io.EOF):
			return merged.Bytes()
		case err != nil || target == nil || out.Encode(mergePatch(target, patch)) != nil:
			return body
		}
	}
}

// decode leaves numbers as they are written.
func decode(data []byte, into *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// mergePatch applies a patch as RFC 7386 has it: null removes a member, an
// object is merged, and anything else replaces what was there.
func mergePatch(target, patch map[string]any) map[string]any {
	if target == nil {
		target = make(map[string]any)
	}
	for name, value := range patch {
		inner, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(target, name)
		case isObject:
			was, _ := target[name].(map[string]any)
			target[name] = mergePatch(was, inner)
		default:
			target[name] = value
		}
	}
	return target
}

// trickle serves the request and sends the body a byte at a time. It reports
// whether all was sent.
func (m *mount) trickle(f Fault, w http.ResponseWriter, r *http.Request) bool {
	k := newKept()
	m.router.mux.ServeHTTP(k, r)
	maps.Copy(w.Header(), k.header)
	w.Header().Set("Content-Length", strconv.Itoa(k.body.Len()))
	w.WriteHeader(k.status)
	control := http.NewResponseController(w)
	for _, b := range k.body.Bytes() {
		if !m.sleep(r.Context(), max(f.Delay, time.Nanosecond), false) {
			return false
		}
		if _, err := w.Write([]byte{b}); err != nil {
			return false
		}
		_ = control.Flush()
	}
	return true
}
