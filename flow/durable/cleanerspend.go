package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// countDuplicateSpend adds up what the surplus batches of an intent have cost.
// Their results have no other use, because each row has one already. The cost
// of a batch that has not ended yet is not known.
func (c *cleaner) countDuplicateSpend(ctx context.Context, in intent.Intent) {
	from := c.batches.serviceOf(in)
	if from.info.Codec == nil {
		return // without a codec, the usage in replies cannot be read
	}
	for _, batch := range in.Surplus {
		usage, err := usageOf(ctx, from, sink.Handle{Batch: batch})
		c.anomalies.addDuplicateSpend(usage)
		c.log.InfoContext(ctx, "usage of a second batch of the same tag", "tag", in.Tag, "batch", batch,
			"input_tokens", usage.Input, "output_tokens", usage.Output, "unread", err)
	}
}

// usageOf adds up what the rows of a batch have used, as far as it can be read.
func usageOf(ctx context.Context, from *service, h sink.Handle) (total llm.Usage, err error) {
	for o, err := range from.Results(ctx, h) {
		if err != nil {
			return total, err
		}
		if o.Err != nil {
			continue
		}
		if reply, err := from.info.Codec.Decode(o.Body); err == nil {
			total = total.Add(reply.Usage)
		}
	}
	return total, nil
}
