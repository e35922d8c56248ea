package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
)

// pace are the flags that bound how fast a run calls the provider, one for each
// kind of call.
type pace struct {
	createsPerHour, transfers          int
	uploads, downloads, polls, deletes int // per second
}

func (p *pace) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&p.createsPerHour, "creates-per-hour", durable.DefaultCreatesPerHour, "pace: batches created in an hour; a sixth of them may be created at once; OpenAI allows 2,000")
	f.IntVar(&p.uploads, "uploads-per-second", 0, "pace: uploads begun in a second (default: as the provider allows, as for those below)")
	f.IntVar(&p.downloads, "downloads-per-second", 0, "pace: downloads begun in a second")
	f.IntVar(&p.polls, "polls-per-second", 0, "pace: polls of batches begun in a second")
	f.IntVar(&p.deletes, "deletes-per-second", 0, "pace: deletions of files begun in a second")
	f.IntVar(&p.transfers, "transfers", durable.DefaultTransfers, "pace: uploads and downloads under way at a time")
}

// validate refuses what was given and makes no sense: what was not is 0.
func (p *pace) validate(given func(flag string) bool) error {
	for _, flag := range []struct {
		name  string
		value int
	}{
		{"creates-per-hour", p.createsPerHour},
		{"uploads-per-second", p.uploads},
		{"downloads-per-second", p.downloads},
		{"polls-per-second", p.polls},
		{"deletes-per-second", p.deletes},
		{"transfers", p.transfers},
	} {
		if flag.value < 1 && given(flag.name) {
			return usage("--%s is %d: must be at least 1", flag.name, flag.value)
		}
	}
	return nil
}

// calls are those that the client paces. Creations are paced by the hour.
func (p *pace) calls(of *catalog.Provider) sink.Calls {
	return sink.Calls{
		Uploads: p.uploads, Downloads: p.downloads, Polls: p.polls, Deletes: p.deletes,
		Creates: max(p.createsPerHour, of.Calls.Creates),
	}.Or(of.Calls)
}

// pollRate is how often a run polls.
func (p *pace) pollRate(of *catalog.Provider) durable.Rate {
	return durable.Rate{Requests: 60 * p.calls(of).Polls, Per: time.Minute}
}

// pollsAtOnce is as many as the rate needs if the provider takes a sixth of a
// second to answer.
func (p *pace) pollsAtOnce(of *catalog.Provider) int { return max(p.calls(of).Polls/6, 1) }
