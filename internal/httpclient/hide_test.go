package httpclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/balerhq/baler/retry"
)

// A key with all that the ways of writing it escape.
const odd = `sk+odd/9="a&b<c>-_'x\y%25.Z`

func escapes(key string) map[string]string {
	quoted, err := json.Marshal(key)
	if err != nil {
		panic(err)
	}
	twice, err := json.Marshal(string(quoted[1 : len(quoted)-1]))
	if err != nil {
		panic(err)
	}
	inJSON := string(quoted[1 : len(quoted)-1])
	var dotnet, entities, lower strings.Builder
	for _, r := range key {
		if alphanumeric(byte(r)) {
			dotnet.WriteRune(r)
			entities.WriteRune(r)
			lower.WriteRune(r)
			continue
		}
		fmt.Fprintf(&dotnet, `\u%04X`, r)
		fmt.Fprintf(&entities, `&#x%X;`, r)
		fmt.Fprintf(&lower, `%%%02x`, r)
	}
	return map[string]string{
		"plain": key, "JSON": inJSON, "JSON in JSON": string(twice[1 : len(twice)-1]),
		"PHP": strings.ReplaceAll(inJSON, "/", `\/`), ".NET": dotnet.String(),
		"query": url.QueryEscape(key), "path": url.PathEscape(key), "query twice": url.QueryEscape(url.QueryEscape(key)),
		"lower": lower.String(), "HTML": html.EscapeString(key), "entities": entities.String(),
	}
}

func hiderOf(key string) hider {
	return newHider(func(h http.Header) { h.Set("Authorization", "Bearer "+key) })
}

func TestCredentialIsFoundHoweverItIsWritten(t *testing.T) {
	for _, key := range []string{secret, odd, "sk-proj-" + strings.Repeat("aB3_-", 4)} {
		for name, written := range escapes(key) {
			for _, text := range []string{"%s", "a %s b", "\\%s\\", "%s%s x %s", "&%s;", "%%%s%%"} {
				in := strings.ReplaceAll(text, "%s", written)
				want := strings.ReplaceAll(text, "%s", mask(len(written)))
				if got := hiderOf(key).text(in); got != want {
					t.Errorf("%s of %s: %s, want %s", name, key, got, want)
				}
				for reads, r := range map[string]io.Reader{
					"bytes": iotest.OneByteReader(strings.NewReader(in)),
					"half":  iotest.HalfReader(strings.NewReader(in)),
					"eof":   iotest.DataErrReader(strings.NewReader(in)),
				} {
					got, err := io.ReadAll(hiderOf(key).reader(r))
					if err != nil || string(got) != hiderOf(key).text(in) {
						t.Errorf("%s in %s of %s: %s, %v", name, reads, key, got, err)
					}
				}
			}
		}
	}
}

func TestWhatIsNoCredentialStays(t *testing.T) {
	for _, text := range []string{
		"", "s", secret[:len(secret)-1], secret[1:], strings.ToUpper(secret), `\u0073`, `\`, "%", "&", "sk-%2", `{"a":"sk-marker"}`,
	} {
		got, err := io.ReadAll(hiderOf(secret).reader(iotest.OneByteReader(strings.NewReader(text))))
		if err != nil || string(got) != text {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
}

// A body is passed on as it comes, and what came before an error too.
func TestHidingHoldsNothingBack(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		fmt.Fprint(w, "a line with sk-\n")
		w.CloseWithError(io.ErrUnexpectedEOF)
	}()
	buf := make([]byte, 100)
	n, err := hiderOf(secret).reader(r).Read(buf)
	if string(buf[:n]) != "a line with sk-\n" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	got, err := io.ReadAll(hiderOf(secret).reader(io.MultiReader(strings.NewReader("torn sk-mark"), iotest.ErrReader(io.ErrUnexpectedEOF))))
	if string(got) != "torn sk-mark" || err != io.ErrUnexpectedEOF { //nolint:errorlint // as it is
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhoPaysIsNoSecret(t *testing.T) {
	h := newHider(func(h http.Header) {
		h.Set("Authorization", "Bearer "+secret)
		h.Set("Openai-Organization", "org-0123456789")
		h.Set("Openai-Project", "proj_0123456789")
		h.Set("X-Goog-Api-Key", "AIza-0123456789")
	})
	if got := h.text("org-0123456789 proj_0123456789 AIza-0123456789 " + secret); got != "org-0123456789 proj_0123456789 "+mask(15)+" "+mask(len(secret)) {
		t.Error(got)
	}
}

func TestKeyIsInNothingThatIsRead(t *testing.T) {
	body := `{"id":"b","metadata":{"k":"` + secret + `"},"n":[1]}` + "\n"
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	var got map[string]any
	if err := c.Do(t.Context(), anyCall, &got); err != nil || got["metadata"].(map[string]any)["k"] != mask(len(secret)) || got["id"] != "b" {
		t.Errorf("%v, %v", got, err)
	}
	all, err := read(t, c)
	if err != nil || string(all) != strings.ReplaceAll(body, secret, mask(len(secret))) {
		t.Errorf("%s, %v", all, err)
	}
	c = serve(t, encoded("gzip", zipped(t, []byte(body))))
	if all, err = read(t, c); err != nil || strings.Contains(string(all), secret) {
		t.Errorf("%s, %v", all, err)
	}
}

// What net/http quotes of a reply that it cannot read is no better than others.
func TestKeyAndControlCharactersAreInNoErrorOfTheTransport(t *testing.T) {
	for name, raw := range map[string]string{
		"no HTTP":     "\x1b[2J" + secret + "\r\n\r\n",
		"status line": "HTTP/1.1 " + secret + " \x1b[2J\r\n\r\n",
		"header":      "HTTP/1.1 200 OK\r\n\x1b[2J" + secret + "\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nContent-Encoding: " + secret + "\u009b2J\r\nContent-Length: 2\r\n\r\n{}",
		"chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret + "\r\n",
		"transfer":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: \x1b[2J" + secret + "\r\n\r\n",
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, raw)
			_ = conn.Close()
		}))
		c, err := newClient(srv.URL, bearer, Evenly(1000), nil)
		if err != nil {
			t.Fatal(err)
		}
		errs := []error{c.Do(t.Context(), Call{Method: "POST", Path: "/x", Effect: retry.EffectCreate}, new(any))}
		_, err = read(t, c)
		for _, err := range append(errs, err) {
			if err == nil || strings.Contains(err.Error(), secret) || strings.ContainsAny(err.Error(), "\x1b\u009b") || len(err.Error()) > 10_000 {
				t.Errorf("%s: %q", name, err)
			}
		}
		c.CloseIdle()
		srv.Close()
	}
}

func FuzzHiding(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		key := []string{secret, odd, "aaaaaaaaab", "--------", `\\\\\\\\u`, "%25%25%25%"}[rnd.IntN(6)]
		written := []string{key}
		for _, w := range escapes(key) {
			written = append(written, w)
		}
		var in bytes.Buffer
		for range rnd.IntN(20) {
			switch w := written[rnd.IntN(len(written))]; rnd.IntN(3) {
			case 0:
				in.WriteString(w)
			case 1:
				in.WriteString(w[:rnd.IntN(len(w)+1)])
			default:
				in.WriteString(strings.Repeat("s", rnd.IntN(5)))
			}
		}
		whole := hiderOf(key).text(in.String())
		got, err := io.ReadAll(hiderOf(key).reader(&pieces{in.Bytes(), rnd}))
		if err != nil || (key == secret || key == odd) && string(got) != whole { // others can be read in several ways
			t.Errorf("%q of %q, whole %q, %v", got, in.String(), whole, err)
		}
		if strings.Contains(whole, key) || strings.Contains(string(got), key) {
			t.Errorf("%q is in %q or %q", key, whole, got)
		}
	})
}

// pieces are of any length.
type pieces struct {
	left []byte
	rnd  *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), 1+p.rnd.IntN(9))], p.left)
	p.left = p.left[n:]
	return n, nil
}
