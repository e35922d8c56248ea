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
// [Limiter.Penalize] follow the replies of the provider. [ByKey] keeps a
// limiter per model or per kind of work. [PaceBy] is a stage with a queue and
// limits for each key, and [KeyStage.Penalize] holds one key back. [Capacity]
// keeps the standing limits of batch APIs, which batches occupy for hours and
// which do not refill.
//
// # Why not x/time/rate
//
// [golang.org/x/time/rate] paces one dimension well, but a call that must wait
// gets a reservation, a place in a line. That does not work here:
//
//   - Two limiters cannot be taken together, because cancelling a reservation
//     that is not the newest refunds nothing.
//   - A call dearer than the burst never passes.
//   - An urgent call waits for all calls that came before.
//   - An estimate cannot be corrected afterwards.
//
// Here no call has a reservation. The first call in order of priority tries
// again when its wait is over.
package ratelimit
