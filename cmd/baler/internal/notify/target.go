package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
)

// Target is who gets messages.
type Target struct {
	name string // it has no part of a URL that may be secret
	send func(context.Context, Message) error
}

// String names the target: by the host of a URL, or by a program.
func (t *Target) String() string { return t.name }

func (t *Target) deliver(ctx context.Context, m Message) error { return t.send(ctx, m) }

// Parse reads a target: a URL, or a command that is run without a shell. Calls
// of a URL are signed with the secret, unless it is "".
func Parse(text, secret string) (*Target, error) {
	if strings.Contains(text, "://") {
		return parseURL(text, secret)
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New("is empty: give a URL or a command")
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		program := words[0]
		if host, _, cut := strings.Cut(program, "/"); cut && host != "" && host != "." && host != ".." { // maybe a URL, whose path is often a secret
			program = host + "/…"
		}
		return nil, fmt.Errorf("there is no command %q: name a program, or a URL that begins with https://", program)
	}
	c := command{path, words[1:]}
	return &Target{name: filepath.Base(path), send: c.run}, nil
}

// parseURL checks a URL. Its errors quote no more than the host, as the rest is
// often a secret.
func parseURL(text, secret string) (*Target, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("the URL cannot be read: it must look like https://host/path")
	case u.User != nil:
		return nil, fmt.Errorf("the URL of %s must not have a user or a password: calls are signed instead", u.Host)
	case u.Fragment != "":
		return nil, fmt.Errorf("the URL of %s must not have a fragment", u.Host)
	case u.Scheme != "https" && (u.Scheme != "http" || !httpclient.Loopback(u.Hostname())):
		return nil, fmt.Errorf("the URL of %s must be https (http only on this machine)", u.Host)
	}
	key, err := signingKey(secret)
	if err != nil {
		return nil, err
	}
	w := newWebhook(u.String(), key)
	return &Target{name: u.Host, send: w.post}, nil
}
