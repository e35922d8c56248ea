package durable

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// freeTrial is how many tokens are on trial at least. Tokens of batches are on
// trial until the provider has said that it runs them, and no more are than it
// has accepted so far. So a limit is found by few refusals, and batches that no
// account refuses do not wait.
const freeTrial = 50_000

// trusted is what part of a limit that the job knows is on trial at least. The
// account may have less: batches that were sent at once up to the limit would
// all be refused at once.
const trusted = 20

// widening is what part of what has ended well is added to a limit that was
// learned from refusals.
const widening = 20

// roomLimit is what is known of the limits of a place.
type roomLimit struct {
	known    int64     // tokens, as the job says that reserved last
	said     int64     // tokens, by the provider when it refused a batch
	learned  int64     // tokens that have fit when it refused one
	refused  time.Time // when it refused the last one
	accepted int64     // tokens, of all batches so far
	moved    time.Time // when that last changed
}

// of returns the limits of a place. The caller holds mu.
func (r *rooms) of(p place) *roomLimit {
	l := r.limits[p]
	if l == nil {
		l = &roomLimit{moved: time.Now()}
		k := r.recall(p)
		l.said, l.learned, l.refused = k.Said, k.Learned, k.At
		r.limits[p] = l
	}
	return l
}

// limit returns the limit of a lane of the place. The caller holds mu.
func (r *rooms) limit(p place, lane string) ratelimit.Load {
	l := r.of(p)
	switch lane {
	case p.whole():
		return r.accounts[p.account]
	case p.trial():
		return ratelimit.Load{Tokens: int(max(l.accepted, l.known/trusted, freeTrial))}
	}
	most := l.known
	for _, n := range []int64{l.said, l.learned} {
		if n > 0 && (most == 0 || n < most) {
			most = n
		}
	}
	return ratelimit.Load{Tokens: int(most)}
}

// change changes what is known of a place.
func (r *rooms) change(p place, change func(*roomLimit)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r.of(p))
	for _, lane := range []string{p.trial(), p.tokens(), p.whole()} {
		_ = r.capacity.SetLimit(lane, r.limit(p, lane)) // none is negative
	}
}

// learnedFor is how long what was learned of a limit counts after a restart.
const learnedFor = 7 * 24 * time.Hour

// keptLimit is what is kept of a roomLimit. At is when a batch was refused
// last.
type keptLimit struct {
	Said    int64     `json:"said,omitempty"`
	Learned int64     `json:"learned"`
	At      time.Time `json:"at"`
}

// recall reads what an earlier process has learned of a place. It is worth a
// few refusals and no error.
func (r *rooms) recall(p place) (k keptLimit) {
	if r.kept == nil {
		return k
	}
	_ = r.kept.Update(r.ctx, p.tokens(), func(old []byte) ([]byte, error) {
		_ = json.Unmarshal(old, &k)
		return nil, errUnchanged
	})
	if age := time.Since(k.At); age < 0 || age > learnedFor {
		return keptLimit{}
	}
	return k
}

// errUnchanged keeps a record as it is.
var errUnchanged = errors.New("unchanged")

// keep keeps what was learned of a place for later processes.
func (r *rooms) keep(p place) {
	r.mu.Lock()
	k := keptLimit{r.of(p).said, r.of(p).learned, r.of(p).refused}
	r.mu.Unlock()
	if r.kept == nil || k.Learned == 0 {
		return
	}
	_ = r.kept.Update(r.ctx, p.tokens(), func([]byte) ([]byte, error) { return json.Marshal(k) })
}

// learn takes over what a job knows of the limits. What it does not know stays.
func (r *rooms) learn(s *stay) {
	if s.route != "" {
		_ = r.capacity.SetLimit(s.ofRoute(), ratelimit.Load{Batches: s.most}) // which is not negative
	}
	r.change(s.place, func(l *roomLimit) {
		now := r.accounts[s.account]
		r.accounts[s.account] = ratelimit.Load{Rows: cmp.Or(s.known.Rows, now.Rows), Batches: cmp.Or(s.known.Batches, now.Batches)}
		l.known = cmp.Or(s.known.Tokens, l.known)
	})
}

// refuse notes that the provider has refused a batch because too much is
// enqueued: what the others have is what fits, or as much as the batch has if
// that is more. Said is how many tokens it said there may be, 0 if it did not.
func (r *rooms) refuse(s *stay, said int64) {
	held, _ := r.capacity.Held(r.ctx, s.tokens())
	others := 0
	for name, load := range held {
		if name != s.tag {
			others += load.Tokens
		}
	}
	r.change(s.place, func(l *roomLimit) {
		l.learned = int64(max(others, s.load.Tokens))
		l.said = cmp.Or(said, l.said)
		l.refused = time.Now()
	})
	r.keep(s.place)
}

// widen notes that a batch has ended well. A limit that was learned may have
// been that of the moment, and one that the provider said may be higher by now.
func (r *rooms) widen(s *stay) {
	r.change(s.place, func(l *roomLimit) {
		for _, n := range []*int64{&l.learned, &l.said} {
			if *n > 0 {
				*n += int64(s.load.Tokens)/widening + 1
			}
		}
	})
	r.keep(s.place)
}

// accept notes that the provider runs a batch, or has run it.
func (r *rooms) accept(tag string) {
	r.mu.Lock()
	s := r.stays[tag]
	r.mu.Unlock()
	if s != nil {
		r.endTrial(s, s.load.Tokens)
	}
}

// endTrial lets others be tried, if that has not happened yet: those that a batch
// keeps from it, and as many tokens more as were accepted. It is called with each
// poll of a batch.
func (r *rooms) endTrial(s *stay, accepted int) {
	r.mu.Lock()
	first := s.onTrial
	s.onTrial = false
	r.mu.Unlock()
	if !first {
		return
	}
	if accepted > 0 {
		r.change(s.place, func(l *roomLimit) { l.accepted, l.moved = l.accepted+int64(accepted), time.Now() })
	}
	_ = r.capacity.Release(r.ctx, s.trial(), s.tag)
}

// hurry lets twice as much be tried if nothing was accepted for long.
func (r *rooms) hurry(p place) {
	r.mu.Lock()
	slow := time.Since(r.of(p).moved) >= trialTime
	r.mu.Unlock()
	if slow {
		r.change(p, func(l *roomLimit) { l.accepted, l.moved = 2*max(l.accepted, freeTrial), time.Now() })
	}
}

// most returns how many tokens may be enqueued in a place, as a job or the
// provider says, 0 if none does.
func (r *rooms) most(p place, known int64) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.of(p).said
	if known == 0 || said > 0 && said < known {
		return said
	}
	return known
}

// lack is what there is too little room for.
type lack struct {
	unit              string
	held, most, wants int
	learned           bool // from refusals
}

// lacks returns what a stay waits for, if it is neither its turn nor the
// outcome of others on trial.
func (r *rooms) lacks(s *stay) (lack, bool) {
	tokens, account := r.held(s.tokens()), r.held(s.whole())
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.of(s.place)
	most, whole := r.limit(s.place, s.tokens()), r.limit(s.place, s.whole())
	for _, k := range []lack{
		{unit: "tokens", held: tokens.Tokens, most: most.Tokens, wants: s.load.Tokens, learned: l.learned == int64(most.Tokens)},
		{unit: "rows", held: account.Rows, most: whole.Rows, wants: s.load.Rows},
		{unit: "batches", held: account.Batches, most: whole.Batches, wants: 1},
	} {
		if k.most > 0 && k.held+k.wants > k.most {
			return k, true
		}
	}
	return lack{}, false
}

// held is what all batches in a lane have together.
func (r *rooms) held(lane string) (sum ratelimit.Load) {
	held, _ := r.capacity.Held(r.ctx, lane)
	for _, l := range held {
		sum.Tokens, sum.Rows, sum.Batches = sum.Tokens+l.Tokens, sum.Rows+l.Rows, sum.Batches+l.Batches
	}
	return sum
}
