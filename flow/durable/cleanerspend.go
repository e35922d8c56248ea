package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// countDuplicateSpend adds up what the surplus batches of an intent have cost.
// Their results have no other use, because each row has one already. The cost
// of a batch that has not ended yet is not known.
func (c *cleaner) countDuplicateSpend(ctx context.Context, in intent.Intent) (cost price.Money) {
	from := c.batches.serviceOf(in)
	if from.info.Codec == nil {
		return 0 // without a codec, the usage in replies cannot be read
	}
	for _, batch := range in.Surplus {
		usage, money, err := c.usageOf(ctx, in, from, sink.Handle{Batch: batch})
		cost = cost.Add(money)
		c.anomalies.addDuplicateSpend(usage)
		c.log.InfoContext(ctx, "usage of a second batch of the same tag", "tag", in.Tag, "batch", batch,
			"input_tokens", usage.Input, "output_tokens", usage.Output, "unread", err)
	}
	return cost
}

// usageOf adds up what the rows of a batch have used and cost, as far as it can
// be read.
func (c *cleaner) usageOf(ctx context.Context, in intent.Intent, from *service, h sink.Handle) (total llm.Usage, cost price.Money, err error) {
	prices := c.prices.ofRoute(c.batches.routes.get(in.Route))
	for o, err := range from.Results(ctx, h) {
		if err != nil {
			return total, cost, err
		}
		if o.Err != nil {
			continue
		}
		if reply, err := from.info.Codec.Decode(o.Body); err == nil {
			total = total.Add(reply.Usage)
			money, _ := prices.cost(reply.Usage, reply.Usage.Input)
			cost = cost.Add(money)
		}
	}
	return total, cost, nil
}
