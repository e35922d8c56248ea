package retry

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

// ErrCutShort marks the error of a request that ended before all of its body
// had left this machine. The server cannot have done what it asks for.
var ErrCutShort = errors.New("the request was cut short")

// Sent records whether a request left this machine. See [Watch].
type Sent struct{ flag atomic.Bool }

// Bool reports whether any of the request was written to a connection. Safe for
// concurrent use.
func (s *Sent) Bool() bool { return s.flag.Load() }

// Watch returns a context for one HTTP request and a Sent that is set as soon
// as any of the request is written. [Transport] needs it.
//
//	ctx, sent := retry.Watch(ctx)
//	reply, err := client.Do(request.WithContext(ctx))
//	if err != nil {
//		return retry.Transport(retry.EffectCreate, sent.Bool(), err)
//	}
func Watch(ctx context.Context) (context.Context, *Sent) {
	sent := new(Sent)
	set := func() { sent.flag.Store(true) }
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The earliest sign counts: a call over HTTP/2 may end before all of
		// it is written, and so before WroteRequest.
		WroteHeaders: set,
		WroteRequest: func(httptrace.WroteRequestInfo) { set() },
	}), sent
}

// Transport classifies an error of a call without a reply: no route, no name, a
// reset, a timeout, the end of its context. If nothing was sent, the call did
// not happen and is Retryable. If any of it was sent, an EffectCreate is
// Ambiguous. A call that was not sent because a certificate cannot be verified
// is Blocked.
//
// Transport ignores a class that err has already: an interrupted client returns
// the cause of its context, which may be the error of another call. A caller
// with more knowledge gives the result another class by [Mark]. Transport of
// nil is nil.
func Transport(effect Effect, sent bool, err error) error {
	if err == nil {
		return nil
	}
	var untrusted *tls.CertificateVerificationError
	switch {
	case sent:
		return Mark(err, effect.unsure())
	case errors.As(err, &untrusted):
		return Mark(err, Blocked)
	}
	return Mark(err, Retryable)
}
