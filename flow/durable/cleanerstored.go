package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// storedFiles is the tag of the notice about files that are left.
const storedFiles = "stored files"

// storedDue returns the files of rows that may be stored at a provider and are
// not needed any more.
func (c *cleaner) storedDue() (due []jobdir.StoredFile) {
	if c.kept.keep == KeepForever || !c.hasEnded() {
		return nil
	}
	s := c.batches.stored
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.MayBeThere() {
			due = append(due, f)
		}
	}
	return due
}

// deleteStored deletes the files of rows at the providers. A failure raises a
// notice and is left to a later start or RemoveKept.
func (c *cleaner) deleteStored(ctx context.Context) {
	due := c.storedDue()
	if len(due) == 0 {
		return
	}
	err := c.deleteAll(ctx, due)
	switch {
	case ctx.Err() != nil:
	case len(c.storedDue()) == 0:
		c.notices.clear(NoticeStorage, storedFiles)
	default:
		c.notices.raise(ctx, Notice{
			Kind: NoticeStorage, Tag: storedFiles, Text: fmt.Sprintf("files of rows are left at a provider: %v", err),
			Advice: "to delete them, run it again later or call baler doctor --sweep",
		})
	}
}

// deleteAll deletes files by the services of their accounts.
func (c *cleaner) deleteAll(ctx context.Context, due []jobdir.StoredFile) error {
	ctx, cancel := context.WithTimeout(ctx, removeLimit)
	defer cancel()
	n := len(due)
	due = slices.DeleteFunc(due, func(f jobdir.StoredFile) bool { return f.StoredKey == c.AnyStored() })
	inDoubt := len(due) < n
	var errs []error
	for _, from := range c.services {
		var own []jobdir.StoredFile
		var rest []jobdir.StoredFile
		for _, f := range due {
			if from.info.FileStore != nil && c.accounts.isAccount(from, f.Account) {
				own = append(own, f)
			} else {
				rest = append(rest, f)
			}
		}
		if due = rest; len(own) > 0 {
			errs = append(errs, c.deleteFrom(ctx, from.info.FileStore, own))
		}
	}
	if len(due) > 0 {
		errs = append(errs, fmt.Errorf("%d are of account %s, to which no key of the run belongs", len(due), due[0].Account))
	}
	if err := errors.Join(errs...); err != nil || !inDoubt {
		return err
	}
	if left := c.unasked(); len(left) > 0 {
		return fmt.Errorf("some may be in the account %s, to which no key of the run belongs", strings.Join(left, " and in "))
	}
	return c.batches.stored.note(jobdir.StoredFile{StoredKey: c.AnyStored(), Gone: true})
}

// unasked names the accounts that the job has bought from, and may have stored
// files at, and that no service belongs to.
func (c *cleaner) unasked() (names []string) {
	for _, at := range c.batches.stored.bought {
		if !slices.ContainsFunc(c.services, func(s *service) bool { return s.maySell(at.Route) && c.accounts.same(s.info.Account, at.account) }) {
			names = append(names, at.account)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// deleteFrom deletes files of one account, and all others that the job may have
// stored there: an upload that was not answered may have left two of one name.
func (c *cleaner) deleteFrom(ctx context.Context, store sink.FileStore, own []jobdir.StoredFile) error {
	ids := make(map[string]bool)
	for f, err := range store.Stored(ctx, c.StoredPrefix()) {
		if errors.Is(err, errors.ErrUnsupported) {
			break
		}
		if err != nil {
			return err
		}
		if c.IsStoredName(f.Tag) {
			ids[f.File] = true
		}
	}
	for i := range own {
		if own[i].ID != "" {
			ids[own[i].ID] = true
		}
		own[i].Gone, own[i].Again = true, false
	}
	var g errgroup.Group
	g.SetLimit(removeAtOnce)
	for id := range ids {
		g.Go(func() error { return store.Delete(ctx, id) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	c.filesDeleted.Add(int64(len(ids)))
	c.notices.dirty.Store(true) // the status shows what is stored
	return c.batches.stored.note(own...)
}
