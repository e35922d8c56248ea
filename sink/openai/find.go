package openai

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/listing"
)

// Find implements sink.Provider: it looks through the list for the tag. Servers
// that lose the metadata of a batch tell it by the name of its input file. It
// is errors.ErrUnsupported if neither tells anything of any batch.
func (c *Client) Find(ctx context.Context, tag string, since time.Time) (found []string, err error) {
	f := c.search(ctx)
	untold := false
	for l, err := range f.list(since) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("openai: list batches: %w", err)
		case l.Tag == tag && !slices.Contains(found, l.Batch):
			found = append(found, l.Batch)
		case l.Tag == "" && (l.Created.IsZero() || !l.Created.Before(since)):
			untold = true
		}
	}
	if untold && len(found) == 0 && !f.tells(tag) {
		return nil, fmt.Errorf("openai: the server keeps neither metadata nor the name of the input file: %w", errors.ErrUnsupported)
	}
	return found, nil
}

// List implements sink.Provider: it pages through the list, newest first, back
// to since.
func (c *Client) List(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		for l, err := range c.search(ctx).list(since) {
			if err != nil {
				err = fmt.Errorf("openai: list batches: %w", err)
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// search is one way through the list of batches.
type search struct {
	client *Client
	ctx    context.Context //nolint:containedctx // of the one call that it is made for
	names  *filenames

	marked bool // a batch showed metadata of ours
	filed  bool // a batch showed its input file
}

func (c *Client) search(ctx context.Context) *search {
	return &search{client: c, ctx: ctx, names: newFilenames(c)}
}

// tells reports whether a batch of the tag would have been known by what the
// list shows.
func (s *search) tells(tag string) bool {
	return s.marked || s.client.echoes.Load() || s.filed && s.names.has(filename(tag))
}

// list yields the batches back to since at least. What others have written of
// theirs is no reason not to find ours, so it is read as far as it can be.
func (s *search) list(since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		var seen listing.Order
		for p, err := range s.client.pages(s.ctx, "/batches", url.Values{"limit": {"100"}}) {
			if err != nil {
				yield(sink.Listing{}, err)
				return
			}
			for _, item := range p.Items {
				b := parseBatch(item)
				seen.Add(b.CreatedAt.Time)
				if l, err := s.listing(b); (b.ID != "" || err != nil) && !yield(l, err) || err != nil {
					return
				}
			}
			if seen.Reaches(since) {
				return
			}
		}
	}
}

// errNameless is a batch of ours that the list shows without an id.
var errNameless = retry.Mark(errors.New("the list shows a batch of ours without an id that can be read"), retry.Permanent)

func (s *search) listing(b batch) (sink.Listing, error) {
	l := sink.Listing{Batch: b.ID, Tag: b.Metadata.Tag, Rows: b.Counts.Total, Ended: b.ended(), File: b.InputFile}
	s.marked, s.filed = s.marked || l.Tag != "", s.filed || b.InputFile != ""
	if l.Tag == "" && b.InputFile != "" {
		name, err := s.names.of(s.ctx, b.InputFile)
		if err != nil {
			return l, err
		}
		l.Tag = untagged(name)
	}
	if b.ID == "" && l.Tag != "" && b.Metadata.Tag == l.Tag {
		return l, errNameless
	}
	l.Created, l.Age = b.CreatedAt.Time, s.client.client.Age(b.CreatedAt.Time)
	return l, nil
}
