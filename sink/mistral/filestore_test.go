package mistral_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

const pdf = "application/pdf"

// Chats refer to documents by their IDs, and to images by URLs alone.
func TestFileStoreTakes(t *testing.T) {
	store := handle(t, says(nil), mistral.Config{}).Info().FileStore
	for mediaType, want := range map[string]bool{pdf: true, "image/png": false, "text/plain": false} {
		if store.Takes(mediaType) != want {
			t.Errorf("takes %s: %t", mediaType, !want)
		}
	}
}

// A repetition of an upload whose reply was lost stores no second file.
func TestFileStorePutsOnce(t *testing.T) {
	stored, asked := 0, 0
	c := handle(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			if stored++; r.FormValue("purpose") != "ocr" {
				t.Errorf("the purpose is %q", r.FormValue("purpose"))
			}
			w.WriteHeader(http.StatusBadGateway)
		case asked == 0 && r.URL.Query().Get("purpose") == "ocr":
			asked++
			_, _ = io.WriteString(w, `{"data":[{"id":"f1","filename":"a.pdf"},{"filename":"a.pdf"},{"id":"f2","filename":"b.pdf"}],"total":3}`)
		}
	}, mistral.Config{})
	id, err := c.Info().FileStore.Put(t.Context(), "b.pdf", pdf, []byte("%PDF-1.7"))
	if err != nil || id != "f2" || stored != 1 || asked != 1 {
		t.Errorf("%q, %v: stored %d times, asked for %d times", id, err, stored, asked)
	}
}

// A server without files and one that is full are told apart.
func TestFilesThatAreNotStored(t *testing.T) {
	for _, test := range []struct {
		status int
		reply  string
		is     error
	}{
		{http.StatusNotFound, `{"detail":"Not found"}`, errors.ErrUnsupported},
		{http.StatusForbidden, `{"message":"The storage limit of the workspace is exceeded"}`, sink.ErrStorageFull},
		{http.StatusRequestEntityTooLarge, `{}`, sink.ErrTooLarge},
	} {
		c := handle(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.reply)
		}, mistral.Config{})
		if _, err := c.Info().FileStore.Put(t.Context(), "a.pdf", pdf, []byte("%PDF-1.7")); !errors.Is(err, test.is) {
			t.Errorf("%d: %v", test.status, err)
		}
	}
}

// Only the provider's own word is a no.
func TestWhetherAFileIsThere(t *testing.T) {
	for reply, want := range map[string]error{`{"detail":"File f1 not found"}`: nil, ``: errors.ErrUnsupported} {
		c := handle(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, reply)
		}, mistral.Config{})
		there, err := c.Info().FileStore.Has(t.Context(), "f1")
		if there || (err == nil) != (want == nil) || err != nil && retry.ClassOf(err) != retry.Permanent {
			t.Errorf("%q: %t, %v", reply, there, err)
		}
	}
}
