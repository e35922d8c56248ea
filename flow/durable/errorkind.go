package durable

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// denied reports whether a provider says that there is no such batch for the
// key. A key that may do nothing at all, or an account that cannot pay, does
// not say that.
func denied(err error) bool {
	if retry.ClassOf(err) == retry.Permanent {
		return true
	}
	e, ok := errors.AsType[*retry.Error](err)
	return ok && e.Status == http.StatusForbidden
}

// unlisted reports whether err says that batches cannot be listed, now or
// later.
func unlisted(err error) bool {
	return err != nil && retry.ClassOf(err) == retry.Permanent && !errors.Is(err, errors.ErrUnsupported)
}

// refuses reports whether err is a permanent refusal of one batch by the
// provider. An error of this machine is not, because it would hit every batch.
// Nor is the error of an interrupted call, because it may be that of another
// call.
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

// passes reports whether a refusal is temporary, so that waiting helps.
func passes(refusal error) bool {
	return errors.Is(refusal, sink.ErrFull) || errors.Is(refusal, sink.ErrNotYet) || errors.Is(refusal, sink.ErrFileGone)
}

// isUnreachable reports whether a call brought no reply.
func isUnreachable(err error) bool {
	if errors.Is(err, sink.ErrNotEnded) || local(err) {
		return false
	}
	var network net.Error
	return statusOf(err) == 0 && errors.As(err, &network)
}

// neverConnected reports whether a single attempt is enough to believe the
// error.
func neverConnected(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// isUnwell reports whether a reply says that the provider is at fault, and not
// the call.
func isUnwell(err error) bool {
	switch status := statusOf(err); status {
	case 0:
		return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	case http.StatusTooManyRequests:
		return true
	default:
		return status >= http.StatusInternalServerError
	}
}

// statusOf returns the HTTP status of a reply, 0 if there was none.
func statusOf(err error) int {
	for e := new(retry.Error); errors.As(err, &e); err = e.Err {
		if e.Status != 0 {
			return e.Status
		}
	}
	return 0
}
