package gemini_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/simulator"
)

const pdf = "application/pdf"

var aPDF = []byte("%PDF-1.7\n% of nothing\n")

// A file can be used once it has been processed, and no sooner.
func TestStoredFilesAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, simulator.Config{Latency: simulator.Latency{Files: time.Minute}})
		c := clientOf(t, server, secret, gemini.Config{})
		begin := time.Now()
		id, err := c.Info().FileStore.Put(t.Context(), "a.pdf", pdf, aPDF)
		if took := time.Since(begin); err != nil || took < time.Minute || took > 2*time.Minute {
			t.Errorf("%q, %v after %s", id, err, took)
		}
		if there, err := c.Info().FileStore.Has(t.Context(), id); err != nil || !there {
			t.Errorf("it is there: %t, %v", there, err)
		}
	})
}

// A process that died while a file was processed has another one wait for it.
func TestAFileThatIsBeingProcessedIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, simulator.Config{Latency: simulator.Latency{Files: time.Minute}})
		store := clientOf(t, server, secret, gemini.Config{}).Info().FileStore
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = store.Put(t.Context(), "a.pdf", pdf, aPDF)
		}()
		time.Sleep(time.Second)
		for f, err := range store.Stored(t.Context(), "a") {
			must(t, err)
			if there, err := store.Has(t.Context(), f.File); err != nil || !there {
				t.Errorf("it is there: %t, %v", there, err)
			}
		}
		if time.Since(server.Files()[0].Created) < time.Minute {
			t.Error("it was there before it was processed")
		}
		<-done
	})
}

// A file that the API cannot process is refused for good, and leaves nothing.
func TestAFileThatCannotBeProcessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, simulator.Config{Latency: simulator.Latency{Files: time.Second}})
		store := clientOf(t, server, secret, gemini.Config{}).Info().FileStore
		_, err := store.Put(t.Context(), "a.pdf", pdf, []byte("a picture"))
		if retry.ClassOf(err) != retry.Permanent || errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "cannot process") {
			t.Error(err)
		}
		if files := server.Files(); len(files) != 1 || !files[0].Deleted {
			t.Errorf("the API has %+v", files)
		}
	})
}

// The API keeps files for two days.
func TestStoredFilesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := start(t, simulator.Config{})
		store := clientOf(t, server, secret, gemini.Config{}).Info().FileStore
		id, err := store.Put(t.Context(), "a.pdf", pdf, aPDF)
		must(t, err)
		must(t, server.Advance(store.Keeps()-time.Second))
		if there, err := store.Has(t.Context(), id); err != nil || !there {
			t.Errorf("before its time: %t, %v", there, err)
		}
		must(t, server.Advance(2*time.Second))
		if there, err := store.Has(t.Context(), id); err != nil || there {
			t.Errorf("after its time: %t, %v", there, err)
		}
	})
}

// A repetition of an upload whose reply was lost stores no second file, wherever
// it broke off.
func TestFileStorePutsOnce(t *testing.T) {
	for _, lost := range []string{"start", "upload, finalize"} {
		synctest.Test(t, func(t *testing.T) {
			server := start(t, simulator.Config{})
			var calls atomic.Int32
			next := server.Client().Transport
			c, err := gemini.New(secret, gemini.Config{BaseURL: "http://127.0.0.1", Retry: quick, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				reply, err := next.RoundTrip(r)
				if err == nil && r.Header.Get("X-Goog-Upload-Command") == lost && calls.Add(1) == 1 {
					reply.Body.Close()
					return nil, io.ErrUnexpectedEOF
				}
				return reply, err
			})})
			must(t, err)
			id, err := c.Info().FileStore.Put(t.Context(), "a.pdf", pdf, aPDF)
			files := server.Files()
			if err != nil || calls.Load() == 0 || len(files) != 1 || !strings.HasSuffix(id, "/v1beta/files/"+files[0].ID) || files[0].Purpose != pdf {
				t.Errorf("%s: %q, %v, the API has %+v", lost, id, err, files)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A server without files, one that is full and a reply that names no file are
// told apart.
func TestFilesThatAreNotStored(t *testing.T) {
	for name, test := range map[string]struct {
		server answers
		class  retry.Class
		is     error
	}{
		"no such thing": {answers{}, retry.Permanent, errors.ErrUnsupported},
		"full":          {answers{"POST /upload/v1beta/files": `429{"error":{"code":429,"message":"You exceeded the file_storage_bytes quota: the limit is 20 GB.","status":"RESOURCE_EXHAUSTED"}}`}, retry.Retryable, sink.ErrStorageFull},
		"too large":     {answers{"POST /upload/v1beta/files": `400{"error":{"code":400,"message":"The file is too large","status":"INVALID_ARGUMENT"}}`}, retry.Permanent, sink.ErrTooLarge},
	} {
		c, _ := serve(t, test.server, gemini.Config{})
		_, err := c.Info().FileStore.Put(t.Context(), "a.pdf", pdf, aPDF)
		if !errors.Is(err, test.is) || retry.ClassOf(err) != test.class {
			t.Errorf("%s: %v, %s", name, err, retry.ClassOf(err))
		}
	}
}

// Only the API's own word is a no: a proxy that does not find its way says
// nothing about a file.
func TestWhetherAFileIsThere(t *testing.T) {
	for reply, want := range map[string]string{
		`{"name":"files/f","state":"ACTIVE"}`: "true", `{"name":"files/f"}`: "true", `{"name":"files/f","state":"FAILED"}`: "false",
		`403{"error":{"code":403,"message":"You do not have permission to access the File f or it may not exist.","status":"PERMISSION_DENIED"}}`: "false",
		`404{"error":{"code":404,"message":"Not found","status":"NOT_FOUND"}}`:                                                                    "false",
		`403{"error":{"code":403,"message":"Enable billing.","status":"PERMISSION_DENIED"}}`:                                                      "error",
		`404{}`: "error", `503{}`: "error",
	} {
		c, url := serve(t, answers{"GET /v1beta/files/f": reply}, gemini.Config{Retry: retry.Policy{MaxAttempts: 1}})
		got := "false"
		there, err := c.Info().FileStore.Has(t.Context(), url+"/v1beta/files/f")
		if there {
			got = "true"
		}
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, %v, want %s", reply, got, err, want)
		}
	}
}
