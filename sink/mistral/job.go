package mistral

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

const jobsPath = "/v1/batch/jobs"

func jobPath(id string) string { return jobsPath + "/" + url.PathEscape(id) }

// job is as much of a batch job as is used. Any field may be missing or null.
type job struct {
	ID         string          `json:"id"`
	Status     string          `json:"status"`
	InputFiles []string        `json:"input_files"`
	OutputFile string          `json:"output_file"`
	ErrorFile  string          `json:"error_file"`
	CreatedAt  loose.Timestamp `json:"created_at"`
	Metadata   client.Metadata `json:"metadata"`
	Errors     reasons         `json:"errors"`

	Total     *loose.Number `json:"total_requests"`
	Completed loose.Number  `json:"completed_requests"`
	Succeeded loose.Number  `json:"succeeded_requests"`
	Failed    loose.Number  `json:"failed_requests"`

	answered bool // there are results that come with the job
}

// UnmarshalJSON implements json.Unmarshaler: a member of another type than it
// should be is as good as none.
func (j *job) UnmarshalJSON(data []byte) error {
	type plain job
	return loose.Members(data, (*plain)(j), &j.ID)
}

// parseJob reads an item of a list as far as it can be read.
func parseJob(item json.RawMessage) (j job) {
	_ = j.UnmarshalJSON(item) // it is JSON, as it was a part of some
	return j
}

func (j *job) status() string { return strings.ToLower(j.Status) }

func (j *job) ended() bool {
	switch j.status() {
	case "success", "failed", "timeout_exceeded", "cancelled":
		return true
	}
	return false
}

func (j *job) running() bool {
	switch j.status() {
	case "queued", "running", "cancellation_requested":
		return true
	}
	return false
}

// ran reports whether there are answers. A job that failed and has none is one
// that Mistral refused, even if it counts its rows as failed.
func (j *job) ran() bool {
	if j.answered || j.OutputFile != "" || j.ErrorFile != "" || j.Succeeded > 0 {
		return true
	}
	return j.status() != "failed" && j.done() > 0
}

// mayHaveRun reports whether only the results that come with the job can tell
// if its rows ran and failed, or if it was refused.
func (j *job) mayHaveRun() bool {
	return j.status() == "failed" && !j.ran() && len(j.InputFiles) == 0 && j.done() > 0
}

// accepted reports whether the rows are run, or were.
func (j *job) accepted() bool {
	switch j.status() {
	case "running", "success", "timeout_exceeded":
		return true
	}
	return j.ran()
}

func (j *job) total() int {
	if j.Total == nil {
		return 0
	}
	return count(*j.Total)
}

// done is how many rows ran.
func (j *job) done() int { return count(max(j.Completed, j.Succeeded+j.Failed)) }

// count keeps a nonsensical number from being a count.
func count(n loose.Number) int { return int(min(max(n, 0), math.MaxInt32)) }

// notRun is how many rows never ran: those that a job does not count that was
// stopped, and all of one that was refused or stopped before it counted one. A
// job that was not stopped has counted some, or its counts are late.
func (j *job) notRun() int {
	switch stopped := j.ended() && j.status() != "success"; {
	case !j.ended(), !stopped && j.done() == 0:
		return 0
	case j.status() == "failed" && !j.ran():
		return math.MaxInt
	case j.total() > 0:
		return max(j.total()-j.done(), 0)
	case j.Total != nil && j.done() == 0:
		return math.MaxInt
	}
	return 0
}

// job reads a job. What is said of another one says nothing about it.
func (c *Client) job(ctx context.Context, id string, why httpclient.Kind) (j job, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		j, err = c.jobOnce(ctx, id, why)
		return err
	})
	return j, err
}

func (c *Client) jobOnce(ctx context.Context, id string, why httpclient.Kind) (j job, err error) {
	call := httpclient.Call{Method: http.MethodGet, Path: jobPath(id), Kind: why}
	err = c.client.Batch(ctx, call, id, &j, func() string { return j.ID })
	return j, err
}

// Status implements sink.Provider.
func (c *Client) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	j, err := c.job(ctx, h.Batch, httpclient.Poll)
	if err == nil && j.mayHaveRun() {
		j.answered, err = c.hasInlineResults(ctx, h.Batch)
	}
	if err != nil {
		return sink.Status{}, fmt.Errorf("mistral: status: %w", err)
	}
	return sink.Status{
		Ended: j.ended(), Phase: loose.Words(j.status()), Unknown: !j.ended() && !j.running(), Accepted: j.accepted(),
		Err:   c.refusal(ctx, &j),
		Total: j.total(), Succeeded: count(j.Succeeded), Failed: count(j.Failed), NotRun: j.notRun(), Age: c.client.Age(j.CreatedAt.Time),
	}, nil
}

// Check implements sink.Provider: it lists a single batch.
func (c *Client) Check(ctx context.Context) error {
	call := httpclient.Call{Method: http.MethodGet, Path: jobsPath + "?page_size=1"}
	if err := c.client.Do(ctx, call, nil); err != nil {
		return fmt.Errorf("mistral: check: %w", err)
	}
	return nil
}

// Cancel implements sink.Provider. A refusal says nothing if the batch has
// ended.
func (c *Client) Cancel(ctx context.Context, h sink.Handle) error {
	err := c.client.Do(ctx, httpclient.Call{Method: http.MethodPost, Path: jobPath(h.Batch) + "/cancel"}, nil)
	switch client.Status(err) {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		j, unread := c.job(ctx, h.Batch, httpclient.Other)
		if unread == nil && j.ended() {
			return nil
		}
		err = cmp.Or(unread, err)
	}
	if err != nil {
		return fmt.Errorf("mistral: cancel: %w", err)
	}
	return nil
}
