package durable

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// codeStoredGone is that of a row that was failed because a file to which it
// refers is not at the provider any more.
const codeStoredGone = "stored_file_gone"

// goneFiles finds out whether rows of a batch failed because a stored file is
// gone: somebody has deleted it, or the provider has. Such a row was not
// answered, so it is asked again, and the file is stored again for it. What the
// provider says about the row is not enough: each says it in other words. Only
// that the file is not there counts, or was stored again since.
type goneFiles struct {
	s       *stored
	in      intent.Intent
	entries []jobdir.Entry
	reader  *segment.Reader // nil until a row fails
	gone    map[string]bool // by name, what was asked
}

func (s *stored) goneFiles(in intent.Intent) *goneFiles {
	return &goneFiles{s: s, in: in, gone: make(map[string]bool)}
}

func (g *goneFiles) close() {
	if g.reader != nil {
		g.reader.Close()
	}
}

// judge lets rows of the manifest be asked again, from the first on, if they
// failed because of a file. It is an error if the provider does not say whether
// that is there. A row that was asked as often as it may be keeps what the
// provider says of it.
func (g *goneFiles) judge(ctx context.Context, first uint32, outcomes []sink.Outcome) error {
	store := g.s.batches.serviceOf(g.in).info.FileStore
	if store == nil || g.in.Batch == "" {
		return nil
	}
	for i := range outcomes {
		o := &outcomes[i]
		if o.Err == nil || o.Skipped || o.Err.Class != retry.Permanent && o.Err.Class != retry.Blocked {
			continue
		}
		if err := g.open(); err != nil {
			return err
		}
		row := &g.entries[int(first)+i]
		if g.s.batches.routes.usesUp(row) {
			continue
		}
		if err := g.judgeRow(ctx, store, row, o); err != nil {
			return err
		}
	}
	return nil
}

// open reads the manifest, which few batches need.
func (g *goneFiles) open() (err error) {
	if g.reader != nil {
		return nil
	}
	if g.entries, err = g.s.Entries(g.in.Tag, g.in.Rows); err != nil {
		return err
	}
	g.reader = g.s.batches.requests.NewReader()
	return nil
}

func (g *goneFiles) judgeRow(ctx context.Context, store sink.FileStore, row *jobdir.Entry, o *sink.Outcome) error {
	files, err := g.s.filesOf(g.reader, row)
	if err != nil {
		return err
	}
	for _, file := range files {
		gone, err := g.isGone(ctx, store, g.s.StoredName(file))
		if err != nil {
			return err
		}
		if gone {
			o.Err = &sink.RowError{
				Class: retry.Retryable, Code: codeStoredGone,
				Message: fmt.Sprintf("the file %q is not at the provider any more: %s", file.Name, o.Err.Message),
			}
			return nil
		}
	}
	return nil
}

// isGone reports whether a file to which rows of the batch may refer is gone.
func (g *goneFiles) isGone(ctx context.Context, store sink.FileStore, name string) (gone bool, err error) {
	if gone, asked := g.gone[name]; asked {
		return gone, nil
	}
	f, known := g.s.get(g.in.Account, name)
	switch {
	case !known, f.Refused != nil:
		return false, nil // the rows have it themselves
	case f.Again:
		gone = true // they may refer to the one before
	case f.ID != "":
		gone, err = g.s.lose(ctx, store, f)
	}
	if err == nil {
		g.gone[name] = gone
	}
	return gone, err
}

// lose asks whether a file is there, and notes that it has to be stored again if
// it is not. Nobody else stores it meanwhile.
func (s *stored) lose(ctx context.Context, store sink.FileStore, f jobdir.StoredFile) (lost bool, err error) {
	if err := acquire(ctx, s.storing); err != nil {
		return false, err
	}
	defer func() { <-s.storing }()
	if now, _ := s.get(f.Account, f.Name); now != f {
		return now.Again, nil
	}
	there, err := store.Has(ctx, f.ID)
	switch {
	case refuses(ctx, err):
		return false, nil // it says nothing about files
	case err != nil:
		return false, err
	case there:
		return false, nil
	}
	s.log.WarnContext(ctx, "a stored file of rows is gone at the provider", "file", f.Name)
	return true, s.note(jobdir.StoredFile{StoredKey: f.StoredKey, Again: true})
}
