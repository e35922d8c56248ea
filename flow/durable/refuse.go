package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// refuses reports whether err is a provider's no to one batch, which stays a no
// however often it is asked. What is wrong with this machine is none: it would
// be wrong with every batch. Nor is the error of a call that was broken off: it
// may be that of another.
func refuses(ctx context.Context, err error) bool {
	said, ok := errors.AsType[*retry.Error](err)
	return ok && said.Class == retry.Permanent && ctx.Err() == nil && !local(err)
}

// local reports whether err comes from the files of this machine.
func local(err error) bool {
	if errors.Is(err, state.ErrDamaged) {
		return true
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return true
	}
	for _, no := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EMFILE} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// refuse ends a batch that the provider will never take: its rows fail with the
// reason, and all others go on.
func (e *engine) refuse(ctx context.Context, in intent.Intent, call string, refusal error) (intent.Intent, error) {
	reason := refusalReason(refusal)
	l := e.lanes.get(in.Lane)
	e.tell(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag,
		Text: fmt.Sprintf("the provider does not take a batch of %d rows for %s, model %q (%s): %s: %s",
			in.Rows, l.Endpoint, l.Model, call, reason.Code, reason.Message),
		Advice: "these rows fail with that reason and cost nothing; all others go on",
	})
	return e.advance(ctx, in, intent.BatchEnded{Reason: &reason})
}

// refusalReason is what the provider said, innermost, or else what the client did.
func refusalReason(err error) intent.Reason {
	code, message := "refused", err.Error()
	for said := new(retry.Error); errors.As(err, &said); err = said.Err {
		if said.Code != "" {
			code = said.Code
		}
		if said.Message != "" {
			message = said.Message
		}
	}
	return newReason(retry.Permanent, code, message)
}
