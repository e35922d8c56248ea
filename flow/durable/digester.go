package durable

import (
	"crypto/sha256"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// digester makes digests, for one goroutine.
type digester struct {
	provider string
	buf      []byte
	body     jsontext.Value
}

func newDigester(p sink.Provider) *digester {
	d := &digester{provider: p.Name()}
	if o, ok := p.(sink.Origin); ok {
		d.provider += " at " + o.Origin()
	}
	return d
}

func (d *digester) digest(r *Request) jobdir.Digest {
	d.buf = d.buf[:0]
	for _, field := range []string{d.provider, r.Endpoint, r.Model} {
		d.buf = append(append(d.buf, field...), 0)
	}
	body := r.Body
	if !r.encoded {
		body = d.canonical(body)
	}
	d.buf = append(d.buf, body...)
	sum := sha256.Sum256(d.buf)
	return jobdir.Digest(sum[:16])
}

// canonical returns the form of RFC 8785, in which bodies with the same meaning
// are the same bytes. Numbers stay as they are, because not every reader takes
// 2^53+1 for 2^53. A body without such a form, for example with a repeated
// name, is returned unchanged.
func (d *digester) canonical(body []byte) []byte {
	d.body = append(d.body[:0], body...)
	err := d.body.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false))
	if err != nil {
		return body
	}
	return d.body
}
