package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
)

// The headers of a call, as https://www.standardwebhooks.com has them.
const (
	HeaderID        = "webhook-id"        // of the message; the same in each attempt
	HeaderTimestamp = "webhook-timestamp" // of the attempt, in seconds since 1970
	HeaderSignature = "webhook-signature" // "v1," and the HMAC-SHA256 of "ID.TIMESTAMP.BODY" in base64
)

// These bound a call.
const (
	callTimeout = 10 * time.Second
	maxReply    = 4 << 10
)

// secretPrefix marks a secret in base64, as Standard Webhooks has them.
const secretPrefix = "whsec_"

// signingKey returns the key that a secret stands for: what follows whsec_ in
// base64, or the bytes of any other text. No error quotes it.
func signingKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return []byte(secret), nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New("the secret begins with " + secretPrefix + ", and what follows is not base64")
	}
	return key, nil
}

// webhook is a URL that gets messages.
type webhook struct {
	url    string
	key    []byte // empty: calls are not signed
	client *http.Client
	policy retry.Policy
}

func newWebhook(to string, key []byte) *webhook {
	return &webhook{
		url: to, key: key,
		client: &http.Client{
			Transport: httpclient.NewTransport(), Timeout: callTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		policy: retry.Policy{MaxAttempts: 5, Delay: 2 * time.Second, MaxDelay: 15 * time.Second, MaxRetryAfter: time.Minute},
	}
}

// post delivers a message. Whoever gets it twice knows it by its id.
func (w *webhook) post(ctx context.Context, m Message) error {
	defer w.client.CloseIdleConnections()
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return w.policy.Do(ctx, func(ctx context.Context) error { return w.call(ctx, m.ID, body) })
}

func (w *webhook) call(ctx context.Context, id string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return retry.Mark(errors.New("the URL cannot be called"), retry.Permanent)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "baler")
	sign(request.Header, w.key, id, time.Now(), body)
	reply, err := w.client.Do(request)
	if err != nil {
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // of has the whole URL
		}
		return retry.Transport(retry.EffectIdempotent, true, err)
	}
	defer reply.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(reply.Body, maxReply)) // what arrived is enough
	switch reply.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return retry.Mark(fmt.Errorf("it answers %d, and redirects are not followed: give the URL that it leads to", reply.StatusCode), retry.Permanent)
	}
	return retry.HTTP(retry.EffectIdempotent, reply.StatusCode, reply.Header, said)
}

// sign sets the headers of a call.
func sign(h http.Header, key []byte, id string, at time.Time, body []byte) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, seconds)
	if len(key) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, seconds, body) // a hash takes all
	h.Set(HeaderSignature, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
