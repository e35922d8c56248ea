// Package retry decides how to handle a call that failed.
//
// It knows four classes of error. A [Grammar], such as [HTTP], finds the class
// of a provider's reply, [Transport] that of a broken connection, and [Mark]
// gives one to any error. [ClassOf] reads the class back through any wrapping.
// [ClassIn] does so for a call that the failure of another call may have
// interrupted. No caller has to read messages.
//
//	Retryable   retry, after the wait that the server asked for
//	Permanent   the same call will fail again
//	Blocked     needs an operator: keep the work and stop
//	Ambiguous   may have happened: find out before a retry
//
// A [Policy] retries Retryable errors:
//
//	var models []string
//	err := retry.Policy{}.Do(ctx, func(ctx context.Context) (err error) {
//		models, err = client.Models(ctx)
//		return err
//	})
//
// The loop runs on [github.com/cenkalti/backoff/v4] and hides its sharp edges.
// The first call counts as an attempt, no loop ends after a hidden 15 minutes,
// jitter never exceeds the cap, a Retry-After is obeyed, and the end of a
// context loses neither its cause nor the last error. A caller that cannot
// block calls [Policy.Next] and keeps the attempts and the time itself.
//
// Three more types work on many calls. [DoBatch] retries only the failed rows
// of a batch and gives hopeless ones to [DeadLetters]. [Breaker] keeps calls
// away from a provider that is down. [Guard] pauses a run that fails too often
// until a person resumes it.
package retry
