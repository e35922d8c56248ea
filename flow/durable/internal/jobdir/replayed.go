package jobdir

import (
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
)

// Replayed is the state that results from replaying a journal.
type Replayed struct {
	Meta    *Meta
	Targets []Target
	Routes  []Route
	Intents map[string]intent.Intent
	Claims  map[string][]ClaimSpan  // by tag
	Shares  map[string][]TenantCost // by tag
	Output  OutputState             // as the last line has it
	before  OutputState             // as the line before it had it
	Chunks  []Settled               // in the order in which they were settled first
	indexed map[string]indexedRevs  // by tag
	index   map[chunkID]int
	latest  map[string]int // by tag: the chunk that was settled last
	Pruned  *Ending
	Keep    time.Duration
	Removed map[string]bool
	Aliases []AccountAlias
	Seen    map[string]bool
	Stored  map[StoredKey]StoredFile
	Canary  *CanaryMark // the last one
}

// chunkID identifies a chunk. Chunks with the same id replace one another.
type chunkID struct {
	tag  string
	from uint64
}

// NewReplayed returns the state of an empty journal.
func NewReplayed() *Replayed {
	return &Replayed{
		Intents: make(map[string]intent.Intent), Claims: make(map[string][]ClaimSpan), Shares: make(map[string][]TenantCost),
		indexed: make(map[string]indexedRevs), index: make(map[chunkID]int), latest: make(map[string]int), Removed: make(map[string]bool), Seen: make(map[string]bool),
		Stored: make(map[StoredKey]StoredFile),
	}
}

// Replay applies one line.
func (m *Replayed) Replay(record []byte) error {
	l, err := DecodeLine(record)
	if err != nil {
		return err
	}
	switch {
	case l.Job != nil:
		m.Meta = l.Job
	case l.Target != nil:
		if l.Target.N > len(m.Targets) {
			return fmt.Errorf("target %d follows %d", l.Target.N, len(m.Targets)-1)
		}
		m.Targets = append(m.Targets[:l.Target.N], l.Target.Target)
	case l.Route != nil:
		if l.Route.N > len(m.Routes) {
			return fmt.Errorf("route %d follows %d", l.Route.N, len(m.Routes)-1)
		}
		// A route is replaced if its number was not used before a crash.
		m.Routes = append(m.Routes[:l.Route.N], l.Route.Route)
	case l.Intent != nil:
		m.noteIndexed(*l.Intent)
		m.Intents[l.Intent.Tag] = *l.Intent
		if len(l.Claims) > 0 {
			m.Claims[l.Intent.Tag] = l.Claims
		}
		if len(l.Shares) > 0 {
			m.Shares[l.Intent.Tag] = l.Shares
		}
	case l.Settled != nil:
		m.before, m.Output = m.Output, l.Settled.Output
		m.settle(*l.Settled)
	case l.Output != nil:
		m.before, m.Output = m.Output, *l.Output
	case l.Pruned != nil:
		m.Pruned = l.Pruned
	case l.Keep != nil:
		m.Keep = *l.Keep
	case l.Canary != nil:
		m.Canary = l.Canary
	case l.Account != nil:
		m.Aliases = append(m.Aliases, *l.Account)
	case l.Stored != nil:
		for _, f := range l.Stored {
			m.Stored[f.StoredKey] = f
		}
	case l.Seen != nil:
		for _, tag := range l.Seen {
			m.Seen[tag] = true
		}
	case l.Removed != nil:
		for _, tag := range l.Removed {
			m.Removed[tag] = true
		}
	}
	return nil
}

// TargetOf returns the target of that number, the zero Target if there is none.
func (m *Replayed) TargetOf(n int) Target {
	if n >= len(m.Targets) {
		return Target{}
	}
	return m.Targets[n]
}

func (m *Replayed) settle(s Settled) {
	id := chunkID{s.Tag, s.From}
	if i, ok := m.index[id]; ok {
		m.Chunks[i], m.latest[s.Tag] = s, i
		return
	}
	m.index[id], m.latest[s.Tag] = len(m.Chunks), len(m.Chunks)
	m.Chunks = append(m.Chunks, s)
}

// settledUntil returns how far the rows of a batch were settled before its last
// chunk, and after it.
func (m *Replayed) settledUntil(tag string) (from, until uint64) {
	i, ok := m.latest[tag]
	if !ok {
		return 0, 0
	}
	return m.Chunks[i].From, m.Chunks[i].Until
}

// indexedRevs are the last two revisions of a batch that the index is told of.
type indexedRevs struct{ before, last uint64 }

func (m *Replayed) noteIndexed(in intent.Intent) {
	if r := m.indexed[in.Tag]; IsIndexed(m.Intents[in.Tag], in) {
		m.indexed[in.Tag] = indexedRevs{r.last, in.Rev}
	}
}

// IsIndexed reports whether the index is told that a batch has got from one
// state to the next, and is waited for. The journal has each state. The index
// is what a lost journal is made from. Without these two, such a journal leaves
// one file more at the provider, or asks it for a batch once more.
func IsIndexed(was, in intent.Intent) bool {
	switch in.State { //nolint:exhaustive // these only
	case intent.Uploaded, intent.Ended:
		return was.State == in.State
	}
	return true
}
