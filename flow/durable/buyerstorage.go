package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
)

// storageFull is the tag of the notice about a full account, which is about all
// batches.
const storageFull = "storage full"

// awaitStorage waits until there may be room for an upload. Batches that end
// make room, and a person may remove files.
func (b *buyer) awaitStorage(ctx context.Context, in intent.Intent, err error) error {
	d := max(b.poll, purchase.MaxPoll)
	r := b.cleaner.remote()
	b.notices.raise(ctx, Notice{
		Kind: NoticeStorage, Tag: storageFull, Next: time.Now().Add(d),
		Text: fmt.Sprintf("the upload of batch %s is refused, and nothing is bought until there is room: %v; "+
			"this run stores %s and the results of %s", in.Tag, err, counted(r.Inputs, "upload", "uploads"), batchCount(r.Results)),
		Advice: "remove files that are not needed: baler doctor --orphans names those of ours, and --sweep removes them",
	})
	return b.calls.sleep(ctx, d)
}
