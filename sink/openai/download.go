package openai

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// errShort is the end of a file that has fewer lines than the batch counted.
var errShort = errors.New("file ends early")

// download yields the lines of a result file, each once, over as many calls as
// the retry policy allows. The file does not change, so it goes on by skipping
// the lines that it has yielded.
type download struct {
	client *Client
	file   string
	least  int // lines that the file must have
	yield  func(sink.Outcome, error) bool

	seen    int  // lines yielded
	torn    bool // a line could not be read, so the file was asked for again
	stopped bool // yield wants no more
}

// run reports whether to go on with the next file. A file that is short every
// time is all that the provider has: what is missing in it is for the caller to
// see.
func (d *download) run(ctx context.Context) bool {
	err := d.client.cfg.Retry.Do(ctx, d.resume)
	if errors.Is(err, errShort) && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		d.yield(sink.Outcome{}, fmt.Errorf("openai: download %s: %w", d.file, err))
		return false
	}
	return !d.stopped
}

func (d *download) resume(ctx context.Context) error {
	body, err := d.client.api.Stream(ctx, httpclient.Call{
		Method: http.MethodGet, Path: "/files/" + url.PathEscape(d.file) + "/content",
	})
	if err != nil {
		return err
	}
	defer body.Close()
	r := bufio.NewReaderSize(body, 256<<10)
	for n := 1; ; n++ {
		line, err := readLine(r)
		switch {
		case errors.Is(err, io.EOF):
			return d.end()
		case err != nil:
			return fmt.Errorf("line %d: %w", n, err)
		case n <= d.seen:
			continue
		}
		if err := d.take(n, line); err != nil || d.stopped {
			return err
		}
	}
}

func (d *download) end() error {
	if d.seen < d.least {
		return retry.Mark(fmt.Errorf("%w: after %d of %d rows", errShort, d.seen, d.least), retry.Retryable)
	}
	return nil
}

// take yields line n. If one cannot be read the file is asked for again, once:
// the line may be torn, and if it is not, others may be no better.
func (d *download) take(n int, line []byte) error {
	o, err := parseLine(line)
	if err != nil && !d.torn {
		d.torn = true
		return retry.Mark(fmt.Errorf("line %d: %w", n, err), retry.Retryable)
	}
	d.seen, d.stopped = n, !d.yield(o, nil)
	return nil
}
