package intercept

import (
	"context"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// output keeps the answers of a job's rows and gives them to their callers.
type output struct{ account *account }

// Write implements durable.Output.
func (o output) Write(_ context.Context, results []durable.Result) error {
	i, now := o.account.owner, time.Now().Unix()
	all := make([]settled, 0, len(results))
	for k := range results {
		hash, id, err := parseKey(results[k].ID)
		if err != nil {
			i.log.Warn("a row is none of a call's", "row", results[k].ID)
			continue
		}
		a, class := answerOf(o.account.provider, &results[k])
		a.list = priceOf(&results[k], class != 0)
		all = append(all, settled{hash: hash, id: id, at: now, class: class, answer: a})
		i.counts.settled(class)
		if results[k].Route == liveRoute {
			i.counts.escalated.Add(1)
		}
	}
	if err := i.answers.put(all); err != nil {
		return err
	}
	i.settle(all)
	return nil
}
