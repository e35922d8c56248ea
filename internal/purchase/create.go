package purchase

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/retry"
)

const (
	// createTime is how long a creation may take.
	createTime = time.Minute
	// slowestCreate is what a line must carry in a second, in bytes, for a
	// creation that sends the rows to be worth it.
	slowestCreate = 64 << 10
)

// CreateTime returns how long a creation may take. One without an upload sends
// the rows itself, at most as many bytes as are given.
func CreateTime(file string, bytes int64) time.Duration {
	if file != "" {
		return createTime
	}
	return createTime + time.Duration(bytes)*time.Second/slowestCreate
}

// CreationClass returns the class of the error of a creation. If the context is
// done, the error counts only if it is a reply of the provider, or if nothing
// has left this machine, or not all of it. Any other error may be that of
// another call.
func CreationClass(ctx context.Context, sent bool, err error) retry.Class {
	class := retry.ClassIn(ctx, err)
	if err == nil || ctx.Err() == nil || class == retry.Ambiguous {
		return class
	}
	e, classified := errors.AsType[*retry.Error](err)
	if classified && (e.Status != 0 || class == retry.Retryable && (!sent || errors.Is(err, retry.ErrCutShort))) {
		return class
	}
	return retry.Ambiguous
}

// UploadSuspect reports whether a batch that the provider does not take yet is
// uploaded anew, because the upload may be at fault after all. Refusals is how
// often it was refused before.
func UploadSuspect(refusals int) bool { return refusals%4 == 3 }
