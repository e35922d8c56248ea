package durable

import (
	"bytes"
	"cmp"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// maxAnswers bounds the answers of other jobs that are in memory, 32 bytes each.
const maxAnswers = 2_000_000

// cache is what other jobs had been answered when this one began to look.
type cache struct {
	root *os.Root // the state directory
	own  string   // directory of the job
	ttl  time.Duration
	now  func() time.Time // nil means that of this machine
	log  *slog.Logger

	read    bool
	batches []answeredBatch // the latest first
	answers []cachedAnswer  // by content, then the latest first
}

// answeredBatch is a batch of another job.
type answeredBatch struct {
	answerHeader
	job, tag string // job is its directory
}

// cachedAnswer is an answer of a batch.
type cachedAnswer struct {
	answer
	batch uint32 // index
}

// hit is what an item is answered by, without being sent.
type hit struct {
	*answeredBatch
	offset int64
}

// mark notes which of the entries that were not sent yet have an answer.
func (c *cache) mark(entries []entry) error {
	if c.ttl <= 0 {
		return nil
	}
	if !c.read {
		if err := c.load(); err != nil {
			return err
		}
		c.read = true
	}
	for i := range entries {
		if e := &entries[i]; e.attempts == 0 {
			e.hit = c.find(e.content)
		}
	}
	return nil
}

// find returns the latest answer to a request; nil if there is none of late.
func (c *cache) find(content digest) *hit {
	i, ok := slices.BinarySearchFunc(c.answers, content, func(a cachedAnswer, content digest) int {
		return bytes.Compare(a.content[:], content[:])
	})
	if !ok {
		return nil
	}
	a := &c.answers[i]
	b := &c.batches[a.batch]
	if c.age(b.answerHeader) >= c.ttl {
		return nil
	}
	return &hit{b, a.offset}
}

// load reads what there is. A batch of which the file is damaged is none.
func (c *cache) load() error {
	if err := c.list(); err != nil {
		return err
	}
	slices.SortFunc(c.batches, func(a, b answeredBatch) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.tag, b.tag)) })
	n := 0
	for i, b := range c.batches {
		if n += b.N; n > maxAnswers {
			break
		}
		_, answers, err := readAnswers(c.root, path.Join(b.job, answerName(b.tag)), "", true)
		if err != nil {
			c.log.Warn("answers cannot be read", "tag", b.tag, "error", err)
			continue
		}
		for _, a := range answers {
			c.answers = append(c.answers, cachedAnswer{a, uint32(i)}) //nolint:gosec // fewer than answers
		}
	}
	slices.SortFunc(c.answers, func(a, b cachedAnswer) int {
		return cmp.Or(bytes.Compare(a.content[:], b.content[:]), cmp.Compare(a.batch, b.batch))
	})
	return nil
}

// list finds the batches of other jobs that were answered of late.
func (c *cache) list() error {
	names, err := fs.Glob(c.root.FS(), jobPrefix+"*/"+answerDir+"/*")
	earlier, failed := fs.Glob(c.root.FS(), earlierPrefix+"*/"+answerDir+"/*")
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	names = append(names, earlier...)
	for _, name := range names {
		dir, tag := path.Split(name)
		job := path.Dir(path.Clean(dir))
		if job == c.own {
			continue
		}
		h, _, err := readAnswers(c.root, name, "", false)
		if err != nil {
			c.log.Warn("answers cannot be read", "tag", tag, "error", err)
			continue
		}
		if c.age(h) < c.ttl {
			c.batches = append(c.batches, answeredBatch{h, job, tag})
		}
	}
	return nil
}

// age is how old answers are.
func (c *cache) age(h answerHeader) time.Duration {
	if c.now == nil {
		return time.Since(h.At)
	}
	return c.now().Sub(h.At)
}
