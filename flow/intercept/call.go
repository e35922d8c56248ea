package intercept

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// call is a call that becomes a row.
type call struct {
	target
	options
	account                        *account
	key                            func() string // not a field of text, so that no print shows it
	version, organization, project string
	manner                         manner
	body                           json.RawMessage
}

// payer tells accounts apart without a client of theirs.
type payer struct {
	provider, baseURL, version, organization, project string
	key                                               [sha256.Size]byte
}

func (c *call) payer() payer {
	return payer{c.provider, c.baseURL, c.version, c.organization, c.project, sha256.Sum256([]byte(c.key()))}
}

// errNoRow means that a body cannot be a row, or not one that is sure to mean
// the same.
var errNoRow = errors.New("it cannot be a row of a batch")

// read takes over the body of a call. What asks for a stream is no part of the
// row.
func (c *call) read(body []byte) error {
	var asked struct {
		model      string
		stream     bool
		background bool
	}
	rest, err := cutMembers(body, func(name string, value jsontext.Value) (keep bool, err error) {
		switch {
		case c.provider == "gemini":
		case name == "model":
			return true, json.Unmarshal(value, &asked.model)
		case name == "background":
			return true, json.Unmarshal(value, &asked.background)
		case name == "stream":
			return false, json.Unmarshal(value, &asked.stream)
		case name == "stream_options":
			var o struct {
				IncludeUsage bool `json:"include_usage"`
			}
			err := json.Unmarshal(value, &o)
			c.manner.usage = o.IncludeUsage
			return false, err
		}
		return true, nil
	})
	if c.model == "" {
		c.model = asked.model
	}
	c.body = rest
	if asked.stream || c.isStream {
		c.manner.form = c.streams
	}
	switch {
	case err != nil:
		return err
	case c.model == "" || asked.background || asked.stream && c.streams == formBody:
		return errNoRow
	}
	return nil
}

// cutMembers returns an object without the members that are not to be kept. An
// object of which all are kept is returned as it is.
func cutMembers(body []byte, keep func(name string, value jsontext.Value) (bool, error)) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	if begin, err := d.ReadToken(); err != nil || begin.Kind() != '{' {
		return nil, errNoRow
	}
	rest, cut := []byte{'{'}, false
	for d.PeekKind() == '"' {
		name, err := d.ReadValue()
		if err != nil {
			return nil, errNoRow
		}
		quoted := slices.Clone(name)
		value, err := d.ReadValue()
		if err != nil {
			return nil, errNoRow
		}
		plain, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return nil, errNoRow
		}
		kept, err := keep(string(plain), value)
		if err != nil {
			return nil, errNoRow
		}
		if !kept {
			cut = true
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(append(append(rest, quoted...), ':'), value...)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, errNoRow
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errNoRow
	}
	if !cut {
		return body, nil
	}
	return append(rest, '}'), nil
}

// callHash identifies what a call asks, and who pays.
type callHash [16]byte

func (h callHash) String() string { return hex.EncodeToString(h[:]) }

// hash returns the hash of a call of an account. White space and the order of
// members do not count.
func (c *call) hash(account string) callHash {
	sum := sha256.New()
	for _, field := range []string{account, c.endpoint, c.model, c.tenant, c.sample} {
		_, _ = io.WriteString(sum, field)
		_, _ = sum.Write([]byte{0})
	}
	canonical := jsontext.Value(bytes.Clone(c.body))
	if err := canonical.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		canonical = jsontext.Value(c.body) // it has no canonical form
	}
	_, _ = sum.Write(canonical)
	return callHash(sum.Sum(nil)[:16])
}
