package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Session returns what the owner of key may do, if the key is accepted. It
// makes a mount the [protocol.Provider] of its routes.
func (m *mount) Session(r *http.Request, key string, scope ...string) (protocol.Session, error) {
	if len(m.cfg.Keys) > 0 && !slices.Contains(m.cfg.Keys, key) {
		return nil, protocol.ErrUnknownKey
	}
	s := &session{mount: m, r: r, key: key, payer: fingerprint(key)}
	if account, named := m.cfg.Accounts[key]; named {
		s.account, s.payer = account, fingerprint("account "+account)
	}
	s.owner = s.payer
	if within := strings.Join(scope, "\n"); strings.Trim(within, "\n") != "" {
		s.owner = fingerprint(s.payer + "\n" + within)
	}
	s.asOf, _ = r.Context().Value(asOfKey{}).(time.Time)
	s.refusal, s.refuses = r.Context().Value(invalidKey{}).([]protocol.LineError)
	if wait := m.meters.take(s.meter(protocol.RequestsPerMinute), int64(m.limits.RequestsPerMinute), 1, s.Now()); wait > 0 {
		return nil, s.refuse(&protocol.RefusalError{
			Cause: protocol.RequestsPerMinute, Limit: int64(m.limits.RequestsPerMinute), RetryAfter: wait,
		})
	}
	return s, nil
}

// fingerprint stands for a key where the key itself must not be kept.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// A session shows the objects of one owner; see [protocol.Session].
type session struct {
	*mount
	r       *http.Request // nil while a batch is validated
	key     string
	payer   string // whose limits per minute it uses
	owner   string // the payer, or one of its scopes
	account string
	asOf    time.Time            // when it reads; zero means now
	refuses bool                 // a batch that it creates is to fail validation
	refusal []protocol.LineError // with this
}

func (s *session) Account() string { return s.account }

func (s *session) Now() time.Time { return s.clock.now() }

func (s *session) Rules() protocol.Rules {
	return protocol.Rules{Limits: s.limits, Models: s.cfg.Models, Finalizing: s.cfg.Latency.Finalizing, Files: s.cfg.Latency.Files}
}

func (s *session) URL(path string) string {
	scheme := "http://"
	if s.r.TLS != nil {
		scheme = "https://"
	}
	return scheme + s.r.Host + s.prefix + path
}

func (s *session) ResultURL(path string) string {
	if s.cfg.ResultsURL == "" {
		return s.URL(path)
	}
	return strings.TrimSuffix(s.cfg.ResultsURL, "/") + s.prefix + path
}

// meter is the account's meter of a limit.
func (s *session) meter(cause protocol.Cause) meter { return meter{s.name, s.payer, cause} }

func (s *session) Rates() protocol.Rates {
	now := s.Now()
	return protocol.Rates{
		Requests: s.meters.rate(s.meter(protocol.RequestsPerMinute), int64(s.limits.RequestsPerMinute), now),
		Tokens:   s.meters.rate(s.meter(protocol.TokensPerMinute), s.limits.TokensPerMinute, now),
	}
}

// refuse completes a refusal.
func (s *session) refuse(r *protocol.RefusalError) error {
	r.Rates = s.Rates()
	return r
}

// reads returns the time as of which the session reads.
func (s *session) reads() time.Time {
	if s.asOf.IsZero() {
		return s.clock.now()
	}
	return s.asOf
}

func (s *session) sees(i protocol.Identity, at time.Time) bool {
	return i.Owner == s.owner && protocolOf(i) == s.name && !i.Created.After(at)
}
