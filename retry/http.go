package retry

import (
	"cmp"
	"net/http"
	"time"

	"github.com/balerhq/baler/internal/errorbody"
)

// Effect is the effect of a second, identical call. It decides the class of a
// call whose outcome is unknown.
type Effect uint8

const (
	// EffectIdempotent calls change nothing more: reading, deleting,
	// cancelling. They are never Ambiguous.
	EffectIdempotent Effect = iota
	// EffectCreate makes one more of something, and a bill for it. A call that
	// may have gone through is Ambiguous.
	EffectCreate
)

// unsure is the class of a call that may or may not have happened.
func (e Effect) unsure() Class {
	if e == EffectCreate {
		return Ambiguous
	}
	return Retryable
}

// Grammar reads the error reply of a provider. It returns nil for a 2xx status,
// and otherwise an [Error]. Each provider package has one, which knows what the
// provider's codes and headers mean, for example openai.ReadError. [HTTP] is
// the one for a server that nothing is known of.
type Grammar func(effect Effect, status int, header http.Header, body []byte) error

// HTTP classifies the reply of a server by its status, as [Reply.Err] says. It
// reads the words of a body such as
//
//	{"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded"}}
//
// but not their meaning. The body may be anything, such as an HTML page of a
// proxy, and may be cut off or empty. 64 KiB of it are plenty. The header may
// be nil, as for a row of a batch.
func HTTP(effect Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	b := errorbody.Read(body)
	return Reply{
		Status: status, Header: header,
		Code: b.Word(), Message: b.Message, Param: b.Param, RequestID: b.RequestID, RetryAfter: b.RetryDelay(),
	}.Err(effect)
}

// Reply is an error reply as a [Grammar] has read it. Every field but Status
// may be empty.
type Reply struct {
	Status               int
	Header               http.Header
	Code, Message, Param string
	RequestID            string        // unless the header has one
	RetryAfter           time.Duration // unless the header says how long to wait
	// Blocked says that the code or the message needs a person, whatever the
	// status.
	Blocked bool
}

// Err returns the error of the reply, an [Error], or nil for a 2xx status.
//
//	2xx            nil
//	401 402 403    Blocked
//	408 5xx        Retryable, but Ambiguous for an EffectCreate
//	409            Permanent, but Ambiguous for an EffectCreate: read the state first
//	425 429        Retryable: the call was turned away before it began
//	501 505        Permanent, as is everything else
//
// The header x-should-retry decides over the status whether to retry, but never
// whether an EffectCreate may have happened. RetryAfter is read from
// Retry-After-Ms or Retry-After, before that of the Reply. It is at most
// [MaxRetryAfter]. Texts are made printable: one line, at most 4 KiB, without
// control characters.
func (r Reply) Err(effect Effect) error {
	if r.Status/100 == 2 {
		return nil
	}
	e := &Error{
		Class:      overrule(classOfStatus(effect, r.Status), r.Status, r.Header.Get("X-Should-Retry")),
		Status:     r.Status,
		Code:       errorbody.Clip(r.Code),
		Message:    errorbody.Clip(cmp.Or(r.Message, http.StatusText(r.Status))),
		Param:      errorbody.Clip(r.Param),
		RequestID:  errorbody.Clip(cmp.Or(r.Header.Get("X-Request-Id"), r.Header.Get("Request-Id"), r.RequestID)),
		RetryAfter: serverDelay(r.Header, r.RetryAfter),
	}
	if r.Blocked {
		e.Class = Blocked
	}
	return e
}

func classOfStatus(effect Effect, status int) Class {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return Blocked
	case http.StatusTooEarly, http.StatusTooManyRequests:
		return Retryable
	case http.StatusRequestTimeout:
		return effect.unsure()
	case http.StatusConflict:
		if effect == EffectCreate {
			return Ambiguous
		}
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return Permanent
	default:
		if status >= http.StatusInternalServerError {
			return effect.unsure()
		}
	}
	return Permanent
}

// overrule applies x-should-retry. A 429 that must not be retried is a limit
// that time does not lift, so a person must.
func overrule(class Class, status int, should string) Class {
	switch {
	case class == Ambiguous:
		return class
	case should == "true":
		return Retryable
	case should == "false" && status == http.StatusTooManyRequests:
		return Blocked
	case should == "false" && class == Retryable:
		return Permanent
	}
	return class
}
