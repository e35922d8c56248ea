package client

import (
	"context"
	"errors"
	"iter"

	"github.com/balerhq/baler/sink"
)

// PutOnce calls put until it has stored a file of that name, as the policy for
// retries has it. A repetition uses what an attempt that was not answered has
// stored, if the files are listed.
func (c *Client) PutOnce(
	ctx context.Context, name string, stored func(context.Context, string) iter.Seq2[sink.File, error], put func(context.Context) (string, error),
) (id string, err error) {
	isRepeated := false
	err = c.Repeat(ctx, func(ctx context.Context) (err error) {
		if isRepeated {
			if id, err = fileNamed(name, stored(ctx, name)); err != nil || id != "" {
				return err
			}
		}
		isRepeated = true
		id, err = put(ctx)
		return err
	})
	return id, err
}

// fileNamed returns a file of that name, "" if there is none, or no list.
func fileNamed(name string, files iter.Seq2[sink.File, error]) (string, error) {
	for f, err := range files {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return "", nil
		case err != nil:
			return "", err
		case f.Tag == name:
			return f.File, nil
		}
	}
	return "", nil
}
