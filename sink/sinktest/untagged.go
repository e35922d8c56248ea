package sinktest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/balerhq/baler/sink"
)

// Untagged makes a provider one that keeps no tag with a batch and does not
// tell the time, for tests of what follows from that.
func Untagged(p sink.Provider) sink.Provider { return untagged{p} }

type untagged struct{ sink.Provider }

func (u untagged) Info() sink.Info {
	info := u.Provider.Info()
	info.Tags = sink.TagNone
	info.Clock = false
	return info
}

func (u untagged) Clock() (time.Time, bool) { return sink.Basic{}.Clock() }

func (u untagged) Find(context.Context, string, time.Time) ([]string, error) {
	return nil, fmt.Errorf("sinktest: find: %w", errors.ErrUnsupported)
}

func (u untagged) List(ctx context.Context, since time.Time) iter.Seq2[sink.Listing, error] {
	return func(yield func(sink.Listing, error) bool) {
		for l, err := range u.Provider.List(ctx, since) {
			l.Tag = ""
			if !yield(l, err) {
				return
			}
		}
	}
}
