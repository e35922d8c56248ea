package openai

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/download"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/resultline"
)

// Results implements sink.Provider. It streams the output file and then the
// error file; either may be missing. Last come the lines that were named as the
// reason why the batch failed validation.
//
// A download that breaks off is taken up where it was. A line that cannot be
// read, however often it is downloaded, is an Outcome without ID and Line, but
// not the last one if it has no end, and none of a body that has no result in
// it. If the output file cannot be read now, nor is the error file: it may tell
// of a failure of a row that has succeeded in the other. If the output file is
// gone, the error file is all there is, and comes before the error.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		b, err := c.batchToRead(ctx, h.Batch)
		if err != nil {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: %w", err))
			return
		}
		more, err := c.download(ctx, b, yield)
		if !more {
			return
		}
		if err != nil {
			yield(sink.Outcome{}, err)
			return
		}
		named := make(map[int]bool) // a line may be at fault in several ways
		for _, e := range b.Errors {
			if !e.ofLine() || named[e.Line] {
				continue
			}
			if named[e.Line] = true; !yield(e.outcome(), nil) {
				return
			}
		}
		if !b.ended() {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: batch is %s: %w", loose.Words(b.status()), sink.ErrNotEnded))
		}
	}
}

// batchToRead asks for the batch, unless it was seen to be whole. An observer
// wants to see it.
func (c *Client) batchToRead(ctx context.Context, id string) (batch, error) {
	if sink.RawObserver(ctx) == nil {
		if b, ok := c.endings.toRead(id); ok {
			return b, nil
		}
	}
	return c.batch(ctx, id, httpclient.Download)
}

// resultFormat is how the lines of result files are written.
var resultFormat = download.Format{Parse: lines.Parse, ID: resultline.IDMember}

var lines = resultline.Reader{ReadError: ReadError, ClassOf: codeClass}

// download yields the rows of both files and reports whether more are wanted.
// What was counted and is not in the output file has to be in the other.
func (c *Client) download(ctx context.Context, b batch, yield func(sink.Outcome, error) bool) (more bool, err error) {
	output, more := c.resultFile(b.OutputFile, b.Counts.Completed), true
	if b.OutputFile != "" {
		more, err = output.Read(ctx, yield)
	}
	if isGone := client.NotFound(err) || client.Status(err) == http.StatusGone; !more || err != nil && !isGone {
		return more, err
	}
	failed := c.resultFile(b.ErrorFile, b.Counts.Completed+b.Counts.Failed-output.Rows())
	failed.Part = sink.RawErrors
	if b.ErrorFile == "" {
		return true, err
	}
	more, late := failed.Read(ctx, yield)
	return more, errors.Join(err, late)
}

// resultFile is the file with this ID, that has so many rows at least.
func (c *Client) resultFile(id string, least int) *download.File {
	return &download.File{
		Client: &c.client, Name: id, Format: &resultFormat, Least: least,
		Call: httpclient.Call{Method: http.MethodGet, Path: "/files/" + url.PathEscape(id) + "/content"},
	}
}
