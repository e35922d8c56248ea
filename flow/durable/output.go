package durable

import (
	"context"
	"encoding/json"
)

// Output receives results in chunks, in no particular order. It is called by
// one goroutine at a time.
type Output interface {
	// Write returns once the results are safe. If it fails, or the process
	// dies before the chunk is recorded, the same results come again.
	Write(ctx context.Context, results []Result) error
}

// Rewinder is an Output that can undo what was not recorded, which makes its
// delivery exactly once.
type Rewinder interface {
	Output
	// Mark is the position behind the last Write, never "".
	Mark() string
	// Rewind undoes what was written after a mark. It is called once, before
	// the first Write; with "" if the output is new to the job, which should
	// refuse one that holds something already.
	Rewind(mark string) error
}

// tailJudge is a Rewinder that undoes results behind a mark only if they are the
// job's own, which own tells. It is set before Rewind.
type tailJudge interface {
	judgeTail(own func(*Result) bool)
}

// outputPath is the file that an Output writes, "" if it is none.
func outputPath(o Output) string {
	if f, ok := o.(interface{ Path() string }); ok {
		return f.Path()
	}
	return ""
}

// Each is an Output that calls f for each result.
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

// AppendLine appends the result as JSON, on the line that a File gets. It is
// that of json.Marshal, but for the response, which is copied as it stands
// instead of being checked and compacted again.
func (r *Result) AppendLine(dst []byte) ([]byte, error) {
	bare := *r
	bare.Response = nil
	head, err := json.Marshal(bare)
	if err != nil || len(r.Response) == 0 {
		return append(append(dst, head...), '\n'), err
	}
	dst = append(dst, head[:len(head)-1]...)
	dst = append(dst, `,"response":`...)
	dst = append(dst, r.Response...)
	return append(dst, "}\n"...), nil
}
