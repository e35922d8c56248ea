package simulator

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// PromptCache says how the beginnings of prompts are cached: for each key, or
// account, and model. Anthropic caches what a request marks, in whole. OpenAI
// and Gemini cache by themselves, in steps of 128 tokens. It is in memory, so
// that a restart empties it.
type PromptCache struct {
	// MinTokens is how many tokens a beginning has at least.
	MinTokens int64
	// Life is how long a beginning is kept after it was used last. Zero means
	// that nothing is cached.
	Life time.Duration
	// Delay is how long it takes until what a request has written can be read,
	// since requests that run at the same time do not see one another's.
	Delay time.Duration
}

// stepTokens is by how many tokens beginnings grow that are cached by themselves.
const stepTokens = 128

// promptCache holds what was cached.
type promptCache struct {
	PromptCache
	mu   sync.Mutex
	kept map[prefixSum]*keptPrefix
}

type prefixSum [sha256.Size]byte

type keptPrefix struct{ readable, expires time.Time }

// ask fills in what of the input of a row is read from the cache or written to
// it.
func (c *promptCache) ask(reply *Reply, req *Row, now time.Time) {
	prefixed, ok := req.request.(protocol.Prefixed)
	if c.Life == 0 || !ok || reply.Error != nil || reply.CachedTokens > 0 || reply.CacheWrites > 0 {
		return
	}
	p := prefixed.Prefix()
	if len(p.Text) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = make(map[prefixSum]*keptPrefix)
	}
	owner := req.Provider + "\n" + req.owner + "\n" + req.Model + "\n"
	if !p.Marked {
		reply.CachedTokens = min(c.steps(owner, p.Text, now), reply.InputTokens)
		return
	}
	tokens := min(protocol.EstimateTokens(len(p.Text)), reply.InputTokens)
	switch {
	case tokens < c.MinTokens:
	case c.use(sha256.Sum256(append([]byte(owner), p.Text...)), now):
		reply.CachedTokens = tokens
	default:
		reply.CacheWrites = tokens
		if p.Hour {
			reply.HourWrites = tokens
		}
	}
}

// steps returns how many tokens of a prompt are read, and keeps all its
// beginnings.
func (c *promptCache) steps(owner string, text []byte, now time.Time) (read int64) {
	sum, until := sha256.New(), 0
	sum.Write([]byte(owner))
	for tokens := int64(stepTokens); int(tokens)*4 <= len(text); tokens += stepTokens {
		sum.Write(text[until : tokens*4])
		until = int(tokens) * 4
		if tokens >= c.MinTokens && c.use(prefixSum(sum.Sum(nil)), now) {
			read = tokens
		}
	}
	return read
}

// use reports whether a beginning can be read, and keeps it.
func (c *promptCache) use(sum prefixSum, now time.Time) bool {
	k := c.kept[sum]
	if k == nil || now.After(k.expires) {
		readable := now.Add(c.Delay)
		c.kept[sum] = &keptPrefix{readable, readable.Add(c.Life)}
		return false
	}
	if now.Before(k.readable) {
		return false
	}
	k.expires = now.Add(c.Life)
	return true
}
