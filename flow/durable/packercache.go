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

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// maxAnswers limits how many answers of other jobs are in memory, 32 bytes
// each.
const maxAnswers = 2_000_000

// cache holds the answers that other jobs had when this one began to send.
type cache struct {
	root *os.Root // the state directory
	own  string   // directory of the job
	ttl  time.Duration

	samples bool             // every item is sent
	now     func() time.Time // nil means that of this machine
	log     *slog.Logger

	read    bool
	batches []jobdir.AnsweredBatch // the latest first
	answers []cachedAnswer         // by content, then the latest first
}

// cachedAnswer is an answer of a batch.
type cachedAnswer struct {
	jobdir.Answer
	batch uint32 // index
}

// mark sets the Hit of each entry that was not sent yet and has an answer.
func (c *cache) mark(entries []jobdir.Entry, routeOf func(n int) jobdir.Route) error {
	usable, err := c.usable()
	if err != nil || !usable {
		return err
	}
	for i := range entries {
		if e := &entries[i]; mayHit(e) {
			e.Hit = c.find(e.Content, routeOf(int(e.Route)))
		}
	}
	return nil
}

// anyHit reports whether an entry has an answer by one of the routes.
func (c *cache) anyHit(e *jobdir.Entry, routes []jobdir.Route) (bool, error) {
	usable, err := c.usable()
	if err != nil || !usable || !mayHit(e) {
		return false, err
	}
	return slices.ContainsFunc(routes, func(r jobdir.Route) bool { return c.find(e.Content, r) != nil }), nil
}

// mayHit reports whether an entry was not sent yet, and has no answer so far.
func mayHit(e *jobdir.Entry) bool {
	return e.Hit == nil && len(e.Tries()) == 0 && len(e.Appended()) == 0 && e.Limit() == 0
}

// usable reports whether there may be answers. It reads them first.
func (c *cache) usable() (bool, error) {
	if c.ttl <= 0 || c.samples {
		return false, nil
	}
	if !c.read {
		if err := c.load(); err != nil {
			return false, err
		}
		c.read = true
	}
	return true, nil
}

// find returns the latest answer that a route gave to a request, nil if there
// is none that is young enough.
func (c *cache) find(content jobdir.Digest, route jobdir.Route) *jobdir.Hit {
	i, ok := slices.BinarySearchFunc(c.answers, content, func(a cachedAnswer, content jobdir.Digest) int {
		return bytes.Compare(a.Content[:], content[:])
	})
	if !ok {
		return nil
	}
	route = route.Asks()
	for ; i < len(c.answers) && c.answers[i].Content == content; i++ {
		a := &c.answers[i]
		b := &c.batches[a.batch]
		if c.age(b.AnswerHeader) >= c.ttl {
			return nil
		}
		if b.Route.Asks() == route {
			return &jobdir.Hit{AnsweredBatch: b, Offset: a.Offset}
		}
	}
	return nil
}

// load reads the answers of other jobs. It skips a batch whose file is damaged.
func (c *cache) load() error {
	if err := c.list(); err != nil {
		return err
	}
	slices.SortFunc(c.batches, func(a, b jobdir.AnsweredBatch) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.Tag, b.Tag)) })
	n := 0
	for i, b := range c.batches {
		if n += b.Takeable(); n > maxAnswers {
			break
		}
		_, answers, err := jobdir.ReadAnswers(c.root, path.Join(b.Job, jobdir.AnswerName(b.Tag)), "", true)
		if err != nil {
			c.log.Warn("answers cannot be read", "tag", b.Tag, "error", err)
			continue
		}
		for _, a := range answers {
			if !a.Failed() {
				c.answers = append(c.answers, cachedAnswer{a, uint32(i)}) //nolint:gosec // fewer than answers
			}
		}
	}
	slices.SortFunc(c.answers, func(a, b cachedAnswer) int {
		return cmp.Or(bytes.Compare(a.Content[:], b.Content[:]), cmp.Compare(a.batch, b.batch))
	})
	return nil
}

// list finds the batches of other jobs whose answers are young enough.
func (c *cache) list() error {
	names, err := fs.Glob(c.root.FS(), jobdir.JobPrefix+"*/"+jobdir.AnswerDir+"/*")
	earlier, failed := fs.Glob(c.root.FS(), jobdir.EarlierPrefix+"*/"+jobdir.AnswerDir+"/*")
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
		h, _, err := jobdir.ReadAnswers(c.root, name, "", false)
		if err != nil {
			c.log.Warn("answers cannot be read", "tag", tag, "error", err)
			continue
		}
		if !h.Own && c.age(h) < c.ttl {
			c.batches = append(c.batches, jobdir.AnsweredBatch{AnswerHeader: h, Job: job, Tag: tag})
		}
	}
	return nil
}

// age returns how old answers are.
func (c *cache) age(h jobdir.AnswerHeader) time.Duration {
	if c.now == nil {
		return time.Since(h.At)
	}
	return c.now().Sub(h.At)
}
