package purchase

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/retry"
)

// CreateDeadline is how long a creation may take.
const CreateDeadline = time.Minute

// CreationClass returns the class of the error of a creation. If the context is
// done, the error counts only if it is a reply of the provider, or if nothing
// has left this machine. Any other error may be that of another call.
func CreationClass(ctx context.Context, sent bool, err error) retry.Class {
	class := retry.ClassIn(ctx, err)
	if err == nil || ctx.Err() == nil || class == retry.Ambiguous {
		return class
	}
	e, classified := errors.AsType[*retry.Error](err)
	if classified && (e.Status != 0 || class == retry.Retryable && !sent) {
		return class
	}
	return retry.Ambiguous
}

// UploadSuspect reports whether a batch that the provider does not take yet is
// uploaded anew, because the upload may be at fault after all. Refusals is how
// often it was refused before.
func UploadSuspect(refusals int) bool { return refusals%4 == 3 }
