package gemini

import (
	"context"
	"io"
	"net/http"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/download"
)

// inlineResults are the rows within a batch itself. They stand in one or two
// lists, in the order in which they were sent.
type inlineResults struct {
	*Client
	name string

	operation operation // the batch, once it was read
	lengths   []int     // of the lists in it
}

func (c *Client) inlineResults(name string) *inlineResults {
	return &inlineResults{Client: c, name: name}
}

// read yields the rows and reports whether more are wanted. Whether a list is
// whole is not known before its end, so the batch is read once more for rows
// without a key, if there are any.
func (r *inlineResults) read(ctx context.Context, yield func(sink.Outcome, error) bool) (more bool, err error) {
	keyless := false
	more, err = r.readOnce(ctx, func(o sink.Outcome, err error) bool {
		if err != nil || !hasPlaceOnly(&o) {
			return yield(o, err)
		}
		keyless = true
		return true
	})
	if !more || err != nil || !keyless {
		return more, err
	}
	whole := r.isWhole()
	return r.readOnce(ctx, func(o sink.Outcome, err error) bool {
		if err == nil && !hasPlaceOnly(&o) {
			return true
		}
		if !whole || o.Line > r.operation.counts.total {
			o.Line = 0
		}
		return yield(o, err)
	})
}

func hasPlaceOnly(o *sink.Outcome) bool { return o.ID == "" && o.Line > 0 }

// isWhole reports whether each list that has any elements has one for every row
// of the batch, so that the place of an element is that of its row. In a list
// where one is missing, those behind it would be taken for the answers of other
// rows.
func (r *inlineResults) isWhole() bool {
	for _, n := range r.lengths {
		if n > 0 && n != r.operation.counts.total {
			return false
		}
	}
	return true
}

func (r *inlineResults) readOnce(ctx context.Context, yield func(sink.Outcome, error) bool) (more bool, err error) {
	file := &download.File{
		Client: &r.client, Name: "batch", Format: &resultFormat,
		Call: httpclient.Call{Method: http.MethodGet, Path: batchPath(r.name)},
	}
	file.Scan = func(body io.Reader, begin func(), row func([]byte) error) error {
		err := r.scan(ctx, body, begin, row)
		if r.operation.inline {
			file.Least = r.operation.counted()
		}
		return err
	}
	return download.SuccessFirst(func(yield func(sink.Outcome, error) bool) (bool, error) {
		return file.Read(ctx, yield)
	}, yield)
}

// scan reads the batch, and counts the elements of its lists.
func (r *inlineResults) scan(ctx context.Context, body io.Reader, begin func(), row func([]byte) error) error {
	r.lengths = nil
	v, err := extract(body, visitor{
		begin: func() {
			r.lengths = append(r.lengths, 0)
			begin()
		},
		row: func(element []byte) error {
			r.lengths[len(r.lengths)-1]++
			return row(element)
		},
	})
	if err != nil {
		return err
	}
	r.operation = parseOperation(v)
	if err := r.operation.isFor(r.name); err != nil {
		return err
	}
	observe(ctx, v)
	return nil
}
