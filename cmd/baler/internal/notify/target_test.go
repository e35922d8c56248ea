package notify

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
)

// hook is a server that keeps what it gets.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	heads  []http.Header
}

// newHook answers with the statuses in turn, and then with 204.
func newHook(t *testing.T, statuses ...int) *hook {
	t.Helper()
	h := new(hook)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s, %v", r.Method, err)
		}
		h.bodies, h.heads = append(h.bodies, body), append(h.heads, r.Header)
		status := http.StatusNoContent
		if n := len(h.bodies) - 1; n < len(statuses) {
			status = statuses[n]
		}
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

// quick is the target of a server whose calls are retried at once.
func quick(h *hook, key []byte) *webhook {
	w := newWebhook(h.URL+"/hook?token=canary", key)
	w.policy.Delay, w.policy.MaxDelay = time.Millisecond, time.Millisecond
	return w
}

var message = Message{Schema: Schema, ID: "msg_1", Run: "daily", Event: Ended, State: "completed", Rows: 3, Succeeded: 3}

// A call is repeated with the same id until it is taken, and its signature can
// be checked.
func TestAURLIsCalledUntilItAnswers(t *testing.T) {
	t.Parallel()
	h := newHook(t, 503, 429)
	if err := quick(h, []byte("key")).post(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	if len(h.bodies) != 3 {
		t.Fatalf("%d calls", len(h.bodies))
	}
	for i, head := range h.heads {
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write([]byte("msg_1." + head.Get(HeaderTimestamp) + "." + string(h.bodies[i])))
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if head.Get(HeaderID) != "msg_1" || head.Get(HeaderSignature) != want || !bytes.Equal(h.bodies[i], h.bodies[0]) {
			t.Errorf("call %d: %v", i, head)
		}
		if at, err := strconv.ParseInt(head.Get(HeaderTimestamp), 10, 64); err != nil || time.Since(time.Unix(at, 0)) > time.Hour {
			t.Errorf("call %d: %v, %v", i, at, err)
		}
	}
	var got Message
	if err := json.Unmarshal(h.bodies[0], &got); err != nil || !reflect.DeepEqual(got, message) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A reply that would be the same again ends the delivery. A redirect might lead
// anywhere, so it is none. No error shows the URL.
func TestWhatIsNotRepeated(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{404: "404", 401: "401", 307: "redirects are not followed"} {
		h := newHook(t, status)
		err := quick(h, nil).post(t.Context(), message)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") || len(h.bodies) != 1 {
			t.Errorf("%d: %d calls, %v", status, len(h.bodies), err)
		}
		if h.heads[0].Get(HeaderSignature) != "" {
			t.Error("a call without a secret is signed")
		}
	}
	h := newHook(t)
	w := quick(h, nil)
	h.Close()
	if err := w.post(t.Context(), message); err == nil || strings.Contains(err.Error(), "canary") || retry.ClassOf(err) != retry.Retryable {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]string{"plain": "plain", "whsec_a2V5": "key"} {
		if key, err := signingKey(secret); err != nil || string(key) != want {
			t.Errorf("%s: %q, %v", secret, key, err)
		}
	}
	for _, secret := range []string{"whsec_", "whsec_canary!"} {
		if _, err := signingKey(secret); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", secret, err)
		}
	}
}

func TestTargetsAreChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://hooks.example.org/a?token=canary": "",
		"http://127.0.0.1:8080/a":                  "",
		"sh -c true":                               "",
		"http://hooks.example.org/canary":          "must be https",
		"ftp://hooks.example.org/canary":           "must be https",
		"https://canary:canary@example.org/":       "must not have a user",
		"https://example.org/#canary":              "must not have a fragment",
		"https://":                                 "cannot be read",
		"https://ho st/canary":                     "cannot be read",
		"no-such-command canary":                   `no command "no-such-command"`,
		" ":                                        "is empty",
	} {
		got, err := Parse(text, "")
		switch {
		case want == "" && (err != nil || strings.Contains(got.String(), "canary")):
			t.Errorf("%s: %v, %v", text, got, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// script is a command that runs lines of a shell.
func script(t *testing.T, lines string) (text, dir string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "script")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return "sh " + path + " " + dir, dir
}

func TestACommandGetsTheMessage(t *testing.T) {
	t.Parallel()
	text, dir := script(t, `cat > $1/message; echo "$BALER_NOTIFY_EVENT $BALER_NOTIFY_RUN $BALER_NOTIFY_STATE" > $1/variables`)
	to, err := Parse(text, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := to.deliver(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(dir, "message"))
	var got Message
	if err != nil || json.Unmarshal(body, &got) != nil || !reflect.DeepEqual(got, message) {
		t.Errorf("%s, %v", body, err)
	}
	if variables, err := os.ReadFile(filepath.Join(dir, "variables")); err != nil || string(variables) != "ended daily completed\n" {
		t.Errorf("%q, %v", variables, err)
	}
}

func TestACommandThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	text, _ := script(t, "echo no bell >&2; exit 3")
	to, err := Parse(text, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := to.deliver(t.Context(), message); err == nil || !strings.Contains(err.Error(), "exit status 3: no bell") {
		t.Error(err)
	}
}

// A URL that lacks its scheme is taken for a command, and may be secret.
func TestAURLWithoutASchemeIsNotQuoted(t *testing.T) {
	t.Parallel()
	_, err := Parse("hooks.example.com/services/T0/secret", "")
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "hooks.example.com") {
		t.Error(err)
	}
}
