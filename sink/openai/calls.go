package openai

import (
	"cmp"

	"github.com/balerhq/baler/internal/httpclient"
)

// The default of each kind of call. OpenAI documents 1,000 uploads a minute for
// a user, and 2,000 creations an hour, which who creates has to keep. For the
// others no limit is documented: they are as many as a run of a thousand
// batches can use, but few enough not to be taken for an attack.
const (
	DefaultUploadsPerSecond   = 16
	DefaultCreatesPerSecond   = 50
	DefaultDownloadsPerSecond = 200
	DefaultPollsPerSecond     = 50
	DefaultDeletesPerSecond   = 100
	defaultOthersPerSecond    = 50
)

// Calls are how many calls of each kind begin in a second at most; as many may
// begin at once. The kinds do not wait for each other: however many batches are
// polled and files deleted, that holds up no upload, creation or download. Zero
// fields mean the defaults.
type Calls struct {
	Uploads   int // of input files; a look whether the file is there already goes with each
	Creates   int // of batches
	Downloads int // of result files; the poll of the batch before counts as another one
	Polls     int // of the status of a batch
	Deletes   int // of files; the poll of the batch before counts as another one
	Others    int // lists of batches, cancellations and checks
}

// pace is these calls, and perSecond for those that are zero.
func (c Calls) pace(perSecond int) httpclient.Pace {
	return httpclient.Pace{
		httpclient.Upload:   cmp.Or(c.Uploads, perSecond, DefaultUploadsPerSecond),
		httpclient.Create:   cmp.Or(c.Creates, perSecond, DefaultCreatesPerSecond),
		httpclient.Download: cmp.Or(c.Downloads, perSecond, DefaultDownloadsPerSecond),
		httpclient.Poll:     cmp.Or(c.Polls, perSecond, DefaultPollsPerSecond),
		httpclient.Delete:   cmp.Or(c.Deletes, perSecond, DefaultDeletesPerSecond),
		httpclient.Other:    cmp.Or(c.Others, perSecond, defaultOthersPerSecond),
	}
}

func (c Calls) least() int {
	return min(c.Uploads, c.Creates, c.Downloads, c.Polls, c.Deletes, c.Others)
}
