package durable

import (
	"context"
)

// Output receives results in chunks, in no particular order. It is called by
// one goroutine at a time.
type Output interface {
	// Write returns once the results are safe. If it fails, or the process
	// dies before the chunk is recorded, the same results come again, in
	// another run: this one ends, and does not call it again after an error.
	Write(ctx context.Context, results []Result) error
}

// Rewinder is an Output that can undo what was not recorded, which makes its
// delivery exactly once.
type Rewinder interface {
	Output
	// Mark returns the position after the last Write, never "".
	Mark() string
	// Rewind undoes everything that was written after a mark, which is at most
	// one Write. It is called once, before the first Write. The mark is "" if the output is new to the
	// job; then Rewind should refuse an output that is not empty.
	Rewind(mark string) error
}

// tailJudge is a Rewinder that undoes results after a mark only if they are the
// job's own. The function own decides that. It is set before Rewind.
type tailJudge interface {
	judgeTail(own func(*Result) bool)
}

// outputPath returns the path of the file that an Output writes, "" if it
// writes no file.
func outputPath(o Output) string {
	if f, ok := o.(interface{ Path() string }); ok {
		return f.Path()
	}
	return ""
}

// Each returns an Output that calls f for each result. The run waits for f. It
// may call each method of the Handle except Wait.
func Each(f func(context.Context, Result) error) Output { return each(f) }

type each func(context.Context, Result) error

func (f each) Write(ctx context.Context, results []Result) error {
	for i := range results {
		if err := f(ctx, results[i]); err != nil {
			return err
		}
	}
	return nil
}
