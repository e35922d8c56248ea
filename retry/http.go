package retry

import "net/http"

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

// HTTP classifies the reply of an LLM provider: OpenAI and compatible ones,
// Anthropic, Gemini and Mistral. It is nil for a 2xx status. The body may be
// anything, such as an HTML page of a proxy, and may be cut off or empty. 64
// KiB of it are plenty. The header may be nil, as for a row of a batch.
// Quotations in the error are printable: one line, at most 4 KiB, without
// control characters.
//
//	2xx            nil
//	401 402 403    Blocked, as are quota and billing codes under any status
//	408 5xx        Retryable, but Ambiguous for an EffectCreate
//	409            Permanent, but Ambiguous for an EffectCreate: read the state first
//	425 429        Retryable: the call was turned away before it began
//	501 505        Permanent, as is everything else
//
// The header x-should-retry decides over the status whether to retry, but never
// whether an EffectCreate may have happened. RetryAfter is read from
// Retry-After-Ms, Retry-After, a google.rpc.RetryInfo or, for a 429 only,
// x-ratelimit-reset-*, in this order. It is at most [MaxRetryAfter].
func HTTP(effect Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	parsed := parseErrorBody(body)
	e := &Error{
		Class:     classOfStatus(effect, status),
		Status:    status,
		Code:      parsed.code,
		Message:   parsed.message,
		Param:     parsed.param,
		RequestID: requestID(header, parsed),
	}
	e.Class = overrule(e.Class, status, header.Get("X-Should-Retry"))
	if parsed.blocked() {
		e.Class = Blocked
	}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	e.RetryAfter = serverDelay(status, header, parsed)
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

// requestID returns the id that the provider gave the call.
func requestID(header http.Header, body errorBody) string {
	for _, name := range []string{"X-Request-Id", "Request-Id"} {
		if id := header.Get(name); id != "" {
			return clip(id)
		}
	}
	return body.requestID
}
