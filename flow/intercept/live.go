package intercept

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/live"
)

// The routes of jobs whose rows may be asked live.
const (
	batchRoute = "batch"
	liveRoute  = "live"
)

// margin is how long before the deadline of a row its batch is cancelled, zero
// if none is: a batch must be worth as much again, and its end must be certain
// by then.
func (c *Config) margin() time.Duration {
	if m := c.LiveWithin / 2; m >= cmp.Or(c.Grace, durable.DefaultGrace)+c.Window {
		return m
	}
	return 0
}

// liveDir is where the live calls of an account are kept.
func (a *account) liveDir() string {
	return filepath.Join(a.owner.cfg.Dir.Path(), "live", url.PathEscape(JobPrefix+a.name))
}

// escalates returns the margin of the account's live route, zero if it has
// none. A row that an earlier process was to ask live keeps it.
func (a *account) escalates() (time.Duration, error) {
	cfg := &a.owner.cfg
	if m := cfg.margin(); m > 0 {
		return m, nil
	}
	_, err := os.Lstat(a.liveDir())
	switch {
	case err == nil:
		return cmp.Or(cfg.Grace, durable.DefaultGrace) + cfg.Window, nil
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	}
	return 0, fmt.Errorf("intercept: look for live calls: %w", err)
}

// addLive gives a job a route for rows whose deadline is near, if it is to have
// one. What takes a row out of its batch is the job's to decide.
func (a *account) addLive(job *durable.Job[*row]) error {
	margin, err := a.escalates()
	if err != nil || margin == 0 {
		return err
	}
	if a.live == nil {
		if a.live, err = a.connectLive(live.Config{Dir: a.liveDir()}); err != nil {
			return err
		}
	}
	job.Provider, job.Routes = nil, []durable.Route{
		{Name: batchRoute, Provider: a.client},
		{Name: liveRoute, Provider: a.live, Within: margin},
	}
	job.Deadline = func(r *row) time.Time { return r.call.deadline }
	return nil
}

// closeLive ends the live calls of the account, whose job has ended.
func (a *account) closeLive() error {
	a.starting <- struct{}{} // whoever starts has entered, so that nobody does any more
	defer func() { <-a.starting }()
	if a.live == nil {
		return nil
	}
	return a.live.Close()
}

// due is when a call needs its answer, the zero time if it can wait.
func (c *call) due(ctx context.Context) time.Time {
	end, has := ctx.Deadline()
	if !has || !c.deadline.IsZero() && c.deadline.Before(end) {
		return c.deadline
	}
	return end
}
