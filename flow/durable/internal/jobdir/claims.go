package jobdir

import (
	"errors"
	"fmt"
	"io/fs"
)

// Claims says which items are in batches, and which of those are retried.
type Claims struct {
	Balance map[Digest]int8  // times that an item was sealed, less the times that it was retried
	again   map[Digest]Entry // the entry of its last retry
	Last    uint64           // the highest number of a ready entry
	Pruned  string           // a batch that is done and whose rows are not known any more
}

// ClaimKey returns the key of an item in Claims.
func ClaimKey(key string) Digest {
	h := HashKey(key)
	return Digest(h[:16])
}

// ReadClaims reads the manifests of all batches.
func (a *Dir) ReadClaims(h *History) (*Claims, error) {
	c := &Claims{Balance: make(map[Digest]int8), again: make(map[Digest]Entry)}
	for tag, in := range h.Intents {
		entries, err := a.Entries(tag, in.Rows)
		switch {
		case errors.Is(err, fs.ErrNotExist) && in.Done():
			c.Pruned = tag
		case err != nil:
			return nil, err
		default:
			c.seal(entries)
		}
	}
	for i := range h.Settled {
		if err := c.settle(a, h, &h.Settled[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Claims) seal(entries []Entry) {
	for i := range entries {
		c.Balance[ClaimKey(entries[i].Key)]++
		c.Last = max(c.Last, entries[i].Seq)
	}
}

// settle frees the rows that were retried.
func (c *Claims) settle(a *Dir, h *History, s *Settled) error {
	if len(s.Again) == 0 {
		return nil
	}
	entries, err := a.Entries(s.Tag, h.Intents[s.Tag].Rows)
	if errors.Is(err, fs.ErrNotExist) && c.Pruned != "" {
		return nil
	}
	if err != nil {
		return err
	}
	for _, span := range s.Again {
		if span[0] < 0 || span[1] >= len(entries) {
			return a.Damaged(JournalFile, fmt.Errorf("row %d of batch %s is retried, and the batch has %d rows", span[1], s.Tag, len(entries)))
		}
		for n := span[0]; n <= span[1]; n++ {
			e := s.again(n, entries[n])
			e.Alone = e.Alone || h.Intents[s.Tag].Pack != nil // it may have to be, and may be in any case
			c.free(e)
		}
	}
	return nil
}

// again returns the entry of a row that is retried.
func (s *Settled) again(row int, e Entry) Entry {
	for _, over := range s.Over {
		if over.Row == row {
			return e.FailedBy(over.Code)
		}
	}
	return e.Again(!s.Unsent)
}

func (c *Claims) free(e Entry) {
	k := ClaimKey(e.Key)
	c.Balance[k]--
	if was, ok := c.again[k]; !ok || e.Attempts() > was.Attempts() {
		c.again[k] = e
	}
}

// Waiting returns the entry of an item if it is in no batch.
func (c *Claims) Waiting(e Entry) (_ Entry, ok bool) {
	k := ClaimKey(e.Key)
	if c.Balance[k] > 0 {
		return e, false
	}
	if last, ok := c.again[k]; ok {
		return last, true
	}
	return e, true
}
