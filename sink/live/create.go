package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Upload implements sink.Provider. It does nothing, because Create takes the
// rows.
func (p *Provider) Upload(ctx context.Context, _ sink.Spec, _ sink.Rows) (string, error) {
	return "", p.usable(ctx)
}

// Create implements sink.Provider. It makes a Check, writes the rows to disk
// and begins to ask. The name of the batch is its tag, so there is never a
// second one. Once the batch is on disk it exists, whatever keeps it from
// beginning: Status says what does, and begins it later. That the disk fails
// before is Blocked, and Ambiguous if it does not say whether there is a batch.
func (p *Provider) Create(ctx context.Context, spec sink.Spec, _ string, rows sink.Rows) (string, error) {
	if !isTag(spec.Tag) {
		return "", retry.Mark(fmt.Errorf("live: tag %q: must be 1 to 64 characters of A-Z, a-z, 0-9, _ and -", spec.Tag), retry.Permanent)
	}
	known, err := p.exists(ctx, spec.Tag)
	if err == nil && !known {
		if err = p.Check(ctx); err == nil {
			err = p.create(ctx, spec, rows)
		}
	}
	if err != nil {
		return "", err
	}
	_, _ = p.find(ctx, spec.Tag, nil) // which begins; its error is for Status to return
	return spec.Tag, nil
}

// exists reports whether there is a batch, and does not let it go on.
func (p *Provider) exists(ctx context.Context, tag string) (bool, error) {
	if err := p.usable(ctx); err != nil {
		return false, err
	}
	b, err := p.look(tag)
	if err != nil && !errors.Is(err, errClosed) {
		err = retry.Mark(err, retry.Ambiguous)
	}
	return b != nil, err
}

// create makes the batch on disk, unless it is there. After an error nothing is
// left of it, or the error is Ambiguous.
func (p *Provider) create(ctx context.Context, spec sink.Spec, rows sink.Rows) error {
	p.changing.Lock()
	defer p.changing.Unlock()
	if known, err := p.exists(ctx, spec.Tag); known || err != nil {
		return err
	}
	log, n, err := p.prepare(spec, p.whileUsable(ctx, rows))
	if err != nil { // without a line in the log there is no batch
		return errors.Join(err, p.erase(spec.Tag))
	}
	err = log.append(entry{Created: &created{time.Now(), n}})
	_ = log.journal.Close() // what was synced is there
	if err != nil {
		return p.undo(spec.Tag, blocked(spec.Tag, err))
	}
	return nil
}

// prepare writes the rows, and makes a log without a line.
func (p *Provider) prepare(spec sink.Spec, rows sink.Rows) (log *callLog, n int, err error) {
	dir, err := p.makeDir(spec.Tag)
	if err != nil {
		return nil, 0, blocked(spec.Tag, err)
	}
	defer dir.Close()
	n, err = writeRows(dir, header{spec.Tag, p.service(), spec.Endpoint, spec.Model}, p.cfg.Limits, rows)
	if bad, ok := errors.AsType[*rowsError](err); ok {
		return nil, 0, fmt.Errorf("live: batch %s: %w", spec.Tag, bad.error)
	}
	if err == nil {
		log, err = openLog(dir, spec.Tag, func(*entry) error { return nil })
	}
	if err != nil {
		return nil, 0, blocked(spec.Tag, err)
	}
	return log, n, nil
}

// whileUsable yields the rows as long as a call may begin.
func (p *Provider) whileUsable(ctx context.Context, rows sink.Rows) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for row, err := range rows {
			if !yield(row, cmp.Or(err, p.usable(ctx))) {
				return
			}
		}
	}
}

// undo deletes a batch whose first line may have reached the disk. It returns
// the cause, which is Ambiguous if the batch is still there.
func (p *Provider) undo(tag string, cause error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.batches[tag] != nil { // somebody has asked about it, and found that line
		return retry.Mark(cause, retry.Ambiguous)
	}
	if err := p.erase(tag); err != nil {
		return retry.Mark(errors.Join(cause, err), retry.Ambiguous)
	}
	return cause
}

// erase deletes the files of a batch, so that none is back after a power
// failure. Without a log there is no batch any more, however much of the rest
// goes. The caller has p.changing.
func (p *Provider) erase(tag string) error {
	if err := p.root.RemoveAll(path.Join(tag, logFile)); err != nil {
		return err
	}
	if err := atomicfile.SyncDir(p.root, tag); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := p.root.RemoveAll(tag); err != nil {
		return err
	}
	return atomicfile.SyncDir(p.root, ".")
}

// makeDir makes the directory of a batch. One that is there may be of a process
// that ended before it was synced.
func (p *Provider) makeDir(tag string) (*os.Root, error) {
	if err := atomicfile.Mkdir(p.root, tag); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := atomicfile.SyncDir(p.root, "."); err != nil {
		return nil, err
	}
	return p.root.OpenRoot(tag)
}
