package httpclient

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func encoded(coding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write(body)
	}
}

var anyCall = Call{Method: "GET", Path: "/x"}

func read(t *testing.T, c *Client) ([]byte, error) {
	t.Helper()
	body, err := c.Stream(t.Context(), anyCall)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

func TestCompressedRepliesAreRead(t *testing.T) {
	want := []byte(strings.Repeat(`{"custom_id":"a"}`+"\n", 50_000)) // so small that its ratio does not matter
	got, err := read(t, serve(t, encoded("gzip", zipped(t, want))))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	var into struct{ A int }
	c := serve(t, encoded("gzip", zipped(t, []byte(`{"a":7}`))))
	if err := c.Do(t.Context(), anyCall, &into); err != nil || into.A != 7 {
		t.Errorf("decoded %+v, %v", into, err)
	}
}

func TestBombIsDefused(t *testing.T) {
	bomb := encoded("gzip", zipped(t, make([]byte, 16<<20)))
	got, err := read(t, serve(t, bomb))
	if !errors.Is(err, errTooLarge) || retry.ClassOf(err) != retry.Permanent {
		t.Errorf("streamed: %v", err)
	}
	if limit := freeBytes + maxRatio*(16<<20)/1000; len(got) > limit {
		t.Errorf("%d bytes came out before the error", len(got))
	}
	if err := serve(t, bomb).Do(t.Context(), anyCall, new(any)); !errors.Is(err, errTooLarge) {
		t.Errorf("as a whole: %v", err)
	}
}

func TestReplyThatIsReadAsAWholeIsBounded(t *testing.T) {
	c := serve(t, reply(200, `"`+strings.Repeat("x", maxReply)+`"`))
	if err := c.Do(t.Context(), anyCall, new(string)); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
}

func TestStreamIsBounded(t *testing.T) {
	_, err := io.ReadAll(atMost(strings.NewReader("123456"), 5))
	if !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
	all, err := io.ReadAll(atMost(strings.NewReader("12345"), 5))
	if err != nil || string(all) != "12345" {
		t.Errorf("%q, %v", all, err)
	}
}

func TestUnknownEncodingIsAnError(t *testing.T) {
	if _, err := read(t, serve(t, encoded("br", []byte("{}")))); retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
}

func TestTornCompressionIsRetryable(t *testing.T) {
	whole := zipped(t, []byte(strings.Repeat("a line\n", 1000)))
	if _, err := read(t, serve(t, encoded("gzip", whole[:len(whole)/2]))); retry.ClassOf(err) != retry.Retryable {
		t.Error(err)
	}
}
