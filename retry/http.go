package retry

import "net/http"

// Effect says what a second, identical call would do. It decides the class of a
// call whose outcome is unknown.
type Effect uint8

const (
	// Idempotent calls do the same as the first: reading, deleting, cancelling.
	// They are never Ambiguous.
	Idempotent Effect = iota
	// Create makes one more of something, and a bill for it. A call that may
	// have gone through is Ambiguous.
	Create
)

// unsure is the class of a call that may or may not have happened.
func (e Effect) unsure() Class {
	if e == Create {
		return Ambiguous
	}
	return Retryable
}

// HTTP classifies the reply of an LLM provider: OpenAI and all that speak like
// it, Anthropic, Gemini and Mistral. It is nil for a 2xx status. The body may be
// anything, such as an HTML page of a proxy, and may be cut off or empty; 64 KiB
// of it are plenty. The header may be nil, as for a row of a batch. What the
// error quotes of them is made printable: one line, at most 4 KiB, without
// control characters.
//
//	2xx            nil
//	401 402 403    Blocked, as are quota and billing codes under any status
//	408 5xx        Retryable, but Ambiguous for a Create
//	409            Permanent, but Ambiguous for a Create: read the state first
//	425 429        Retryable: the call was turned away before it began
//	501 505        Permanent, as is everything else
//
// The header x-should-retry overrules the status in whether to try again, never
// in whether a Create may have happened. RetryAfter is what the server said in
// Retry-After-Ms, Retry-After, a google.rpc.RetryInfo or, for a 429 only,
// x-ratelimit-reset-*, in this order, and at most [MaxRetryAfter].
func HTTP(effect Effect, status int, header http.Header, body []byte) error {
	if status/100 == 2 {
		return nil
	}
	fault := parseFault(body)
	e := &Error{
		Class:     classOfStatus(effect, status),
		Status:    status,
		Code:      fault.code,
		Message:   fault.message,
		Param:     fault.param,
		RequestID: requestID(header, fault),
	}
	e.Class = overrule(e.Class, status, header.Get("X-Should-Retry"))
	if fault.blocked() {
		e.Class = Blocked
	}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	e.RetryAfter = serverDelay(status, header, fault)
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
		if effect == Create {
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
// that time does not lift, so somebody has to.
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

// requestID finds the call's name where the providers put it.
func requestID(header http.Header, fault fault) string {
	for _, name := range []string{"X-Request-Id", "Request-Id"} {
		if id := header.Get(name); id != "" {
			return clip(id)
		}
	}
	return fault.requestID
}
