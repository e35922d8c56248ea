package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// pruneEarlier removes the directories of earlier epochs whose last answer is
// older than r.OlderThan.
func pruneEarlier(root *os.Root, r Retention) (done []Pruned, err error) {
	dirs, err := fs.Glob(root.FS(), jobdir.EarlierPrefix+"*")
	if err != nil || r.Name != "" {
		return nil, err
	}
	for _, dir := range dirs {
		p, err := pruneEarlierDir(root, dir, r)
		if err != nil {
			return done, fmt.Errorf("durable: prune %s: %w", dir, err)
		}
		if p.Bytes > 0 {
			done = append(done, p)
		}
	}
	return done, nil
}

func pruneEarlierDir(root *os.Root, dir string, r Retention) (p Pruned, err error) {
	sub, err := root.OpenRoot(dir)
	if err != nil {
		return p, err
	}
	defer sub.Close()
	p = Pruned{Name: dir}
	if job, err := jobdir.ReadMeta(root, dir); err == nil && job != nil {
		p.Name = job.Name + " (earlier)"
	}
	if p.Answers, p.Ended, err = countAnswers(sub); err != nil || time.Since(p.Ended) < r.OlderThan {
		return Pruned{}, err
	}
	if p.Raw, err = sizeOf(sub, []string{jobdir.RawDir}); err != nil {
		return Pruned{}, err
	}
	if p.Bytes, err = sizeOf(sub, []string{"."}); err != nil || r.DryRun {
		return p, err
	}
	return p, root.RemoveAll(dir)
}

// countAnswers counts the answers that other jobs can take from a job, and
// returns when the last one came.
func countAnswers(job *os.Root) (n int, last time.Time, err error) {
	files, err := fs.ReadDir(job.FS(), jobdir.AnswerDir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, last, nil
	}
	for _, f := range files {
		h, _, err := jobdir.ReadAnswers(job, jobdir.AnswerName(f.Name()), "", false)
		if err != nil {
			continue // no cache can use it
		}
		n += h.Takeable()
		if h.At.After(last) {
			last = h.At
		}
	}
	return n, last, err
}
