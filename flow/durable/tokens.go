package durable

import "github.com/balerhq/baler/flow/durable/internal/jobdir"

// tokensOf estimates how many tokens the requests of entries have, at least
// one.
func tokensOf(entries []jobdir.Entry) int64 {
	total := 0
	for i := range entries {
		total += entries[i].Asked()
	}
	return jobdir.TokensIn(total)
}

// certainlyAbove reports whether a request has more tokens than a limit, even
// if the estimate is twice too high. No limit is zero.
func certainlyAbove(bytes int, limit int64) bool {
	return limit > 0 && jobdir.TokensIn(bytes)/2 > limit
}

// ask counts the tokens of entries that were read. Those that follow another
// one are not sent.
func (t *progress) ask(entries []jobdir.Entry) {
	total := 0
	for i := range entries {
		if !entries[i].Follows() {
			total += entries[i].Asked()
		}
	}
	if total > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.asked += jobdir.TokensIn(total)
	}
}

func (t *progress) inputTokens() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.asked
}
