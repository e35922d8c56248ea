package mistral

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/download"
	"github.com/balerhq/baler/sink/internal/loose"
	"github.com/balerhq/baler/sink/internal/resultline"
)

// lines are those of result files, and the results that come with a job.
var lines = resultline.Reader{ReadError: ReadError, ClassOf: codeClass}

var resultFormat = download.Format{Parse: parseLine, ID: resultline.IDMember}

func parseLine(line []byte) (sink.Outcome, error) {
	o, err := lines.Parse(line)
	if o.Err != nil {
		o.Err.Code = named(o.Err.Code)
	}
	return o, err
}

// codeClass is the class of a row without a reply of its own. Codes that nobody
// knows are Permanent.
func codeClass(code string) retry.Class {
	switch code {
	case "batch_expired", "batch_cancelled", "timeout_exceeded", "cancelled", "request_timeout", // never ran
		"server_error", "internal_server_error", "service_unavailable", "rate_limited", "rate_limit_exceeded", "1300":
		return retry.Retryable
	}
	return retry.Permanent
}

// Results implements sink.Provider. It streams the output file and then the
// error file; either may be missing. The results of a batch without files are
// read with the job.
//
// A download that breaks off is taken up where it was. A line that cannot be
// read, however often it is downloaded, is an Outcome without ID and Line, but
// not the last one if it has no end, and none of a body that has no result in
// it. If the output file cannot be read now, nor is the error file: it may tell
// of a failure of a row that has succeeded in the other.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		j, err := c.job(ctx, h.Batch, httpclient.Download)
		if err != nil {
			yield(sink.Outcome{}, fmt.Errorf("mistral: results: %w", err))
			return
		}
		j.ID = h.Batch
		more, err := c.download(ctx, &j, yield)
		switch {
		case !more:
		case err != nil:
			yield(sink.Outcome{}, fmt.Errorf("mistral: results: %w", err))
		case !j.ended():
			yield(sink.Outcome{}, fmt.Errorf("mistral: results: batch is %s: %w", loose.Words(j.status()), sink.ErrNotEnded))
		}
	}
}

// download yields the rows and reports whether more are wanted.
func (c *Client) download(ctx context.Context, j *job, yield func(sink.Outcome, error) bool) (more bool, err error) {
	switch {
	case j.OutputFile != "" || j.ErrorFile != "":
		return c.downloadFiles(ctx, j, yield)
	case j.ended():
		return c.downloadInline(ctx, j, yield)
	}
	return true, nil
}

// downloadFiles yields the rows of both files. What was counted and is not in
// the output file has to be in the other.
func (c *Client) downloadFiles(ctx context.Context, j *job, yield func(sink.Outcome, error) bool) (more bool, err error) {
	output, more := c.resultFile(j.OutputFile, count(j.Succeeded)), true
	if j.OutputFile != "" {
		more, err = output.Read(ctx, yield)
	}
	if !more || err != nil || j.ErrorFile == "" {
		return more, err
	}
	failed := c.resultFile(j.ErrorFile, j.done()-output.Rows())
	failed.Part = sink.RawErrors
	return failed.Read(ctx, yield)
}

// downloadInline yields the results that come with the job.
func (c *Client) downloadInline(ctx context.Context, j *job, yield func(sink.Outcome, error) bool) (more bool, err error) {
	return download.SuccessFirst(func(yield func(sink.Outcome, error) bool) (bool, error) {
		return c.inlineResults(j).Read(ctx, yield)
	}, yield)
}

// resultFile is the file with this ID, that has so many rows at least.
func (c *Client) resultFile(id string, least int) *download.File {
	return &download.File{
		Client: &c.client, Name: id, Format: &resultFormat, Least: least,
		Call: httpclient.Call{Method: http.MethodGet, Path: filePath(id) + "/content"},
	}
}

func (c *Client) inlineResults(j *job) *download.File {
	return &download.File{
		Client: &c.client, Name: "results of " + loose.Words(j.ID), Format: &resultFormat, Least: j.done(),
		Call: inlineCall(j.ID), Lines: outputs,
	}
}

func inlineCall(id string) httpclient.Call {
	return httpclient.Call{Method: http.MethodGet, Path: jobPath(id) + "?inline=true"}
}

func outputs(body io.Reader) io.Reader { return download.Elements(body, "outputs") }

// hasInlineResults reports whether there is a result that comes with the job.
// It reads no more than the beginning of the first.
func (c *Client) hasInlineResults(ctx context.Context, id string) (found bool, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) error {
		reply, err := c.client.Stream(ctx, inlineCall(id))
		if err != nil {
			return err
		}
		defer reply.Close()
		_, err = bufio.NewReader(outputs(reply)).ReadSlice('{')
		if found = err == nil; errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
	return found, err
}
