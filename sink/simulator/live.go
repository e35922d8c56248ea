package simulator

import (
	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Answer puts a live call to the model; see [protocol.Session]. The tokens of
// its input are taken off the limit before, and those of its answer after.
func (s *session) Answer(endpoint string, r protocol.Row) (protocol.Reply, error) {
	if err := s.unblocked(); err != nil {
		return protocol.Reply{}, err
	}
	key, limit, need := s.meter(protocol.TokensPerMinute), s.limits.TokensPerMinute, protocol.EstimateTokens(len(r.Body))
	if wait := s.meters.take(key, limit, need, s.Now()); wait > 0 {
		return protocol.Reply{}, s.refuse(&protocol.RefusalError{
			Cause: protocol.TokensPerMinute, Limit: limit, Model: r.Model, RetryAfter: wait,
		})
	}
	wrong := r.Error
	if referring, refers := s.speaker(protocol.Identity{Protocol: s.name}).(protocol.Referring); refers && wrong == nil {
		wrong = referring.References(r.Body, s.File)
	}
	reply := Reply{Error: (*RowError)(wrong)}
	if wrong == nil {
		// Live calls have lots below those of batches.
		reply = s.ask(-int(s.liveCalls.Add(1)), Row{
			Provider: s.name, Endpoint: endpoint, Model: r.Model, CustomID: r.CustomID, Body: r.Body, request: r.Request, owner: s.owner,
		})
	}
	s.meters.use(key, limit, reply.OutputTokens, s.Now())
	return reply.rendered(), s.enter(r.CustomID, reply)
}

// enter enters a live call into the ledger.
func (s *session) enter(customID string, reply Reply) error {
	e := Execution{Provider: s.name, Live: true, CustomID: customID, Status: reply.status()}
	if reply.Error == nil {
		e.InputTokens, e.OutputTokens = reply.InputTokens, reply.OutputTokens
		e.CachedTokens, e.CacheWrites, e.HourWrites = reply.CachedTokens, reply.CacheWrites, reply.HourWrites
	}
	return s.calls.append(e)
}
