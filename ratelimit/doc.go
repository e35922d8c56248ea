// Package ratelimit keeps calls under the limits of a provider.
//
// A [Limiter] guards one model or one account over all its limits at once:
// requests, input tokens and output tokens per minute, and calls at the same
// time. A call takes its whole [Cost] or nothing.
//
//	limiter, err := ratelimit.NewLimiter(ratelimit.Config{
//		Requests:    600,     // a minute
//		InputTokens: 600_000, // a minute
//		Slots:       32,      // at the same time
//	})
//	...
//	err = limiter.Do(ctx, cost, func(ctx context.Context) (ratelimit.Cost, error) {
//		reply, err := client.Chat(ctx, question)
//		return ratelimit.Cost{Requests: 1, InputTokens: reply.Usage.Input}, err
//	})
//
// Most callers want [Limiter.Do], or [New] for a stage of a pipeline. Code with
// its own loop uses [Limiter.Wait] and [Limiter.Settle]. [Limiter.Observe] and
// [Limiter.Penalize] take in what the provider says. [ByKey] keeps a limiter per
// model or per kind of work, and [Capacity] the standing limits of batch APIs,
// which are held for hours rather than refilled.
//
// # Why not x/time/rate
//
// [golang.org/x/time/rate] paces one dimension well, but its answer to "not
// yet" is a reservation, a place in a line. That cannot serve here: two limiters
// cannot be taken together, since giving back a reservation that is not the
// newest refunds nothing; a call dearer than the burst never passes; an urgent
// call waits behind all that came before; and an estimate cannot be corrected
// afterwards. Here nobody holds a place. Whoever is first in order of priority
// asks again when its wait is over.
package ratelimit
