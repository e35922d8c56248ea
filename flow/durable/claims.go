package durable

import (
	"errors"
	"fmt"
	"io/fs"
)

// claims says which items stand in batches, and which of those went again.
type claims struct {
	balance map[digest]int8  // times that an item was sealed, less those that it went again
	again   map[digest]entry // as it went last
	last    uint64           // the highest number of a ready entry
	pruned  string           // a batch that is done, and whose rows nobody knows any more
}

func claimKey(key string) digest {
	h := hashKey(key)
	return digest(h[:16])
}

// readClaims reads the bales of all batches.
func (a *files) readClaims(h *history) (*claims, error) {
	c := &claims{balance: make(map[digest]int8), again: make(map[digest]entry)}
	for tag, in := range h.intents {
		entries, err := a.entries(tag, in.Rows)
		switch {
		case errors.Is(err, fs.ErrNotExist) && in.Done():
			c.pruned = tag
		case err != nil:
			return nil, err
		default:
			c.seal(entries)
		}
	}
	for i := range h.settled {
		if err := c.settle(a, h, &h.settled[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *claims) seal(entries []entry) {
	for i := range entries {
		c.balance[claimKey(entries[i].key)]++
		c.last = max(c.last, entries[i].seq)
	}
}

// settle frees the rows that went again.
func (c *claims) settle(a *files, h *history, s *settled) error {
	if len(s.Again) == 0 {
		return nil
	}
	entries, err := a.entries(s.Tag, h.intents[s.Tag].Rows)
	if errors.Is(err, fs.ErrNotExist) && c.pruned != "" {
		return nil
	}
	if err != nil {
		return err
	}
	for _, span := range s.Again {
		if span[0] < 0 || span[1] >= len(entries) {
			return a.damaged(journalFile, fmt.Errorf("row %d of batch %s goes again, which has %d", span[1], s.Tag, len(entries)))
		}
		for n := span[0]; n <= span[1]; n++ {
			c.free(entries[n].again(!s.Unsent))
		}
	}
	return nil
}

func (c *claims) free(e entry) {
	k := claimKey(e.key)
	c.balance[k]--
	if was, ok := c.again[k]; !ok || e.attempts > was.attempts {
		c.again[k] = e
	}
}

// waiting returns the entry of an item if it is in no batch.
func (c *claims) waiting(e entry) (_ entry, ok bool) {
	k := claimKey(e.key)
	if c.balance[k] > 0 {
		return e, false
	}
	if last, ok := c.again[k]; ok {
		return last, true
	}
	return e, true
}
