package durable_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
)

// edit changes what the client reads about a batch.
func edit(change func(id string, batch map[string]any)) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return durabletest.RoundTripper(func(r *http.Request) (*http.Response, error) {
			reply, err := next.RoundTrip(r)
			id, ok := strings.CutPrefix(r.URL.Path, "/v1/batches/")
			if err != nil || !ok || r.Method != http.MethodGet || reply.StatusCode != http.StatusOK {
				return reply, err
			}
			defer reply.Body.Close()
			var batch map[string]any
			if err := json.NewDecoder(reply.Body).Decode(&batch); err != nil {
				return nil, err
			}
			change(id, batch)
			body, err := json.Marshal(batch)
			reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return reply, err
		})
	}
}

// rename calls a status by another name.
func rename(status, name string) func(http.RoundTripper) http.RoundTripper {
	return edit(func(_ string, batch map[string]any) {
		if batch["status"] == status {
			batch["status"] = name
		}
	})
}

// wantWithin fails unless something took from least to most.
func wantWithin(w *durabletest.World, start time.Time, least, most time.Duration) {
	w.T.Helper()
	if took := time.Since(start); took < least || took > most {
		w.T.Errorf("it took %s, want %s to %s", took, least, most)
	}
}

// remoteFiles are the names of the files at the provider.
func remoteFiles(w *durabletest.World) (ids []string) {
	w.T.Helper()
	for _, f := range listRemote(w) {
		ids = append(ids, f.ID)
	}
	return ids
}

// remoteFile is a file at the provider.
type remoteFile struct{ ID, Filename, Purpose string }

func listRemote(w *durabletest.World) []remoteFile {
	w.T.Helper()
	req, err := http.NewRequestWithContext(w.T.Context(), http.MethodGet, "http://127.0.0.1/v1/files", nil)
	if err != nil {
		w.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk-test")
	reply, err := w.Server.Client().Do(req)
	if err != nil {
		w.T.Fatal(err)
	}
	defer reply.Body.Close()
	var list struct{ Data []remoteFile }
	if err := json.NewDecoder(reply.Body).Decode(&list); err != nil {
		w.T.Fatal(err)
	}
	return list.Data
}
