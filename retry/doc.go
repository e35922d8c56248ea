// Package retry decides what becomes of a call that failed.
//
// It knows four classes of error. [HTTP] and [Transport] find the class of a
// provider's reply or of a broken connection, [Mark] gives one to any error and
// [ClassOf] reads it back through any wrapping, [ClassIn] where the call may have
// been interrupted by the failure of another. Nobody has to look at messages.
//
//	Retryable   try again, after the wait that the server asked for
//	Permanent   the same call will fail again
//	Blocked     needs an operator: keep the work and stop
//	Ambiguous   may have happened: look before doing it again
//
// A [Policy] repeats what is Retryable:
//
//	var models []string
//	err := retry.Policy{}.Do(ctx, func(ctx context.Context) (err error) {
//		models, err = client.Models(ctx)
//		return err
//	})
//
// The loop runs on [github.com/cenkalti/backoff/v4], whose sharp edges are kept
// inside: attempts are counted as people count them, nothing ends after a hidden
// 15 minutes, jitter never exceeds the cap, a Retry-After is obeyed, and the end
// of a context loses neither its cause nor the last error. A caller who cannot
// sit and wait asks [Policy.Next] and keeps the attempts and the time itself.
//
// Around single calls there are [DoBatch], which sends only the failed rows of a
// batch again and hands those beyond hope to [DeadLetters], [Breaker], which
// keeps calls away from a provider that is down, and [Guard], which pauses a run
// that fails too often until somebody has looked.
package retry
