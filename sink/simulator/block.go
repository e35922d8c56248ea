package simulator

import (
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// Block keeps an account from creating batches and asking the model, as a
// provider does if a quota is used up or a bill unpaid.
type Block struct {
	// Account is a key, or the name of one of Config.Accounts. Zero means all.
	Account string `json:"account,omitempty"`
	// Code is the error code. Zero means the provider's usual one, such as
	// insufficient_quota.
	Code string `json:"code,omitempty"`
}

// SetBlocked replaces the accounts that are blocked; none lifts all blocks.
func (s *Simulator) SetBlocked(blocks ...Block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocked = slices.Clone(blocks)
}

// blockOf returns the block that the key or its account is under.
func (s *Simulator) blockOf(key, account string) (Block, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.blocked, func(b Block) bool {
		return b.Account == "" || b.Account == key || b.Account == account
	})
	if i < 0 {
		return Block{}, false
	}
	return s.blocked[i], true
}

// unblocked returns the refusal of an account that is blocked.
func (s *session) unblocked() error {
	if b, blocked := s.blockOf(s.key, s.account); blocked {
		return s.refuse(&protocol.RefusalError{Cause: protocol.Blocked, Code: b.Code})
	}
	return nil
}
