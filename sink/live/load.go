package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// CodeUnclear is the code of a row that may have been answered and paid for,
// though no answer is known. Its class is retry.Ambiguous.
const CodeUnclear = "unclear_call"

// find returns the batch of a tag. One that no worker has goes on, unless there
// is a reason to end it before. It returns nil if there is none.
func (p *Provider) find(ctx context.Context, tag string, end *stopped) (*batch, error) {
	if err := p.usable(ctx); err != nil {
		return nil, err
	}
	if !isTag(tag) {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.batches[tag]; b != nil {
		return b, nil
	}
	if p.open.Err() != nil {
		return nil, errClosed
	}
	b, err := p.load(tag)
	if b == nil || err != nil {
		return nil, err
	}
	if !b.hasEnded() {
		if err := p.resume(b, end); err != nil { //nolint:contextcheck // it goes on after this call
			return nil, blocked(tag, err)
		}
	}
	p.batches[tag] = b
	return b, nil
}

// mustFind is find for a batch that there must be.
func (p *Provider) mustFind(ctx context.Context, h sink.Handle, end *stopped) (*batch, error) {
	b, err := p.find(ctx, h.Batch, end)
	if err == nil && b == nil {
		err = retry.Mark(fmt.Errorf("live: there is no batch %q in %s", h.Batch, p.cfg.Dir), retry.Permanent)
	}
	return b, err
}

// load reads what the log says about a batch. It returns nil if the batch was
// not created.
func (p *Provider) load(tag string) (*batch, error) {
	b := &batch{dir: p.root}
	dir, err := p.root.OpenRoot(tag)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		defer dir.Close()
		err = readLog(dir, tag, b.replay)
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && b.rows == nil {
		return nil, nil
	}
	if err == nil {
		err = b.readHeader(tag)
	}
	if err == nil && b.Service != p.service() {
		err = fmt.Errorf("it is one of %s, and this is %s: give each provider a directory of its own", b.Service, p.service())
	}
	if err != nil {
		return nil, blocked(tag, err)
	}
	return b, nil
}

// service names what the rows are asked of.
func (p *Provider) service() string { return p.info.Name + " " + p.info.Origin }

func (b *batch) readHeader(tag string) error {
	f, err := b.openRows(tag)
	if err != nil {
		return err
	}
	defer f.Close()
	if b.header, _, err = readHeader(f); err == nil && b.Tag != tag {
		err = fmt.Errorf("its rows are of batch %q", b.Tag)
	}
	return err
}

func (b *batch) openRows(tag string) (*os.File, error) { return b.dir.Open(path.Join(tag, rowsFile)) }

// blocked is the error of a batch whose files a person has to look at.
func blocked(tag string, err error) error {
	return retry.Mark(fmt.Errorf("live: batch %s: %w", tag, err), retry.Blocked)
}

// resume lets a batch go on that no worker has, or ends it.
func (p *Provider) resume(b *batch, end *stopped) (err error) {
	if err := b.openFiles(); err != nil {
		return err
	}
	b.ctx, b.cancel = context.WithCancel(p.open)
	if end != nil {
		err = b.end(*end)
	}
	if b.stopped != nil {
		b.cancel()
	}
	if err == nil {
		err = p.review(b)
	}
	if err != nil {
		b.cancel()
		return errors.Join(err, b.close())
	}
	p.start(b)
	return nil
}

func (b *batch) openFiles() (err error) {
	if b.file, err = b.openRows(b.Tag); err != nil {
		return err
	}
	if b.offsets, err = offsets(bufio.NewReader(b.file)); err == nil && len(b.offsets) != len(b.rows) {
		err = fmt.Errorf("%w: %d rows of %d", segment.ErrDamaged, len(b.offsets), len(b.rows))
	}
	if err != nil {
		return errors.Join(err, b.file.Close())
	}
	dir, err := b.dir.OpenRoot(b.Tag)
	if err == nil {
		defer dir.Close()
		b.log, err = openLog(dir, b.Tag, func(*entry) error { return nil })
	}
	if err != nil {
		return errors.Join(err, b.file.Close())
	}
	return nil
}

// review decides about the rows whose calls were under way when their process
// ended.
func (p *Provider) review(b *batch) error {
	for n, s := range b.rows {
		if s != asked {
			continue
		}
		if p.cfg.mayRepeat() {
			b.set(n, waiting)
			continue
		}
		row, err := b.row(n)
		if err == nil {
			err = b.settle(answer{Row: n, ID: row.ID, Err: &sink.RowError{
				Class: retry.Ambiguous, Code: CodeUnclear, Message: "the process ended during the call: the row may have been answered",
			}})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isTag reports whether a name can be that of a batch.
func isTag(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
