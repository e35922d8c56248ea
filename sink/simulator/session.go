package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// sessions is the [protocol.Provider] that the routes of a protocol see.
type sessions struct{ sim *Simulator }

// Session returns what the owner of key may do, if the key is accepted.
func (p sessions) Session(r *http.Request, key string) (protocol.Session, bool) {
	cfg := p.sim.cfg
	if len(cfg.Keys) > 0 && !slices.Contains(cfg.Keys, key) {
		return nil, false
	}
	s := &session{sim: p.sim, owner: fingerprint(key)}
	if account, named := cfg.Accounts[key]; named {
		s.account, s.owner = account, fingerprint("account "+account)
	}
	s.asOf, _ = r.Context().Value(asOfKey{}).(time.Time)
	s.refusal, s.refuses = r.Context().Value(invalidKey{}).([]protocol.LineError)
	return s, true
}

// fingerprint stands for a key where the key itself must not be kept.
func fingerprint(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// A session shows the objects of one owner; see [protocol.Session].
type session struct {
	sim     *Simulator
	owner   string
	account string
	asOf    time.Time            // when it reads; zero means now
	refuses bool                 // a batch that it creates is to fail validation
	refusal []protocol.LineError // with this
}

func (s *session) Account() string { return s.account }

func (s *session) Now() time.Time { return s.sim.clock.now() }

func (s *session) Rules() protocol.Rules {
	return protocol.Rules{Limits: protocol.Limits(s.sim.cfg.Limits), Models: s.sim.cfg.Models}
}

// reads returns the time as of which the session reads.
func (s *session) reads() time.Time {
	if s.asOf.IsZero() {
		return s.sim.clock.now()
	}
	return s.asOf
}

func (s *session) sees(i protocol.Identity, at time.Time) bool {
	return i.Owner == s.owner && !i.Created.After(at)
}
