package main

import (
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
)

// These limit what is checked before anybody is asked: what is wrong with all
// rows, such as a field that the prompt names, shows in the first.
const (
	previewRows  = 20
	previewBytes = 8 << 20
)

// checkFirstRows checks the first rows of an input that was not read yet. All
// are checked by the run itself, once it knows that the provider can be used.
func (o *options) checkFirstRows(dialect source.CSVFormat, tell func(string)) error {
	if o.hasRead() {
		return nil
	}
	rows, err := newRows(o, func(string) {}) // which the run says
	if err != nil {
		return err
	}
	format, _ := formatOf(o.provider, o.apiVersion) // that the provider is unknown is said by whoever connects to it
	others := o.strictFormats()
	told := make(map[string]bool)
	n, size, bad := 0, 0, 0
	var first error // of a row
	for row, err := range o.source(dialect).Items() {
		wanted := true
		if err == nil {
			wanted, err = rows.check(row, &o.where)
		}
		if err == nil && wanted {
			if member := rows.unknownMember(row, format.Codec, others); member != "" && !told[member] {
				told[member] = true
				tell(fmt.Sprintf("%s: the request stays with %s as it is, because of its member %q", place(row), o.provider, member))
			}
		}
		if err != nil && (o.rejects.path == "" || !isOfRow(err)) {
			return o.explain(err, durable.Report{})
		}
		if err != nil {
			first, bad = cmpErr(first, err), bad+1
		}
		n, size = n+1, size+len(row.JSON)
		if n == previewRows || size >= previewBytes {
			break
		}
	}
	if bad == n && bad > 0 { // which is hardly what somebody wants to know later
		return usage("none of the first %d rows can be used: %w", n, first)
	}
	return nil
}

// isOfRow reports whether an error is about one row.
func isOfRow(err error) bool {
	if bad, ok := errors.AsType[*source.Error](err); ok {
		return bad.Raw != nil
	}
	return isA[*durable.InputError](&stop{err: err})
}

// hasRead reports whether the run needs its input no more.
func (o *options) hasRead() bool {
	if o.fresh || o.inputs.appends {
		return false
	}
	h, err := attachTo(o.state, o.name)
	if err != nil {
		return false // there is none yet, or the run itself says what is wrong
	}
	s, err := h.Status()
	return err == nil && (s.Read || s.Ended())
}

// unknownMember returns the first member of a row's request that has no place
// in a chat, so that no other provider can be asked. It is "" if there is none, or if one of the others knows it.
func (r *rows) unknownMember(row source.Row, codec llm.Codec, others []llm.Codec) string {
	if r.request == nil || codec == nil {
		return ""
	}
	q, err := r.request(row)
	if err != nil || q.Endpoint != codec.Endpoint() {
		return "" // the first is told, and the second has no chats
	}
	member := unknownTo(codec, &q)
	for _, other := range others {
		if reads(other, q.Endpoint) && unknownTo(other, &q) != member {
			return ""
		}
	}
	return member
}

// strictFormats are the formats of others in which a request is read that a
// strict provider does not know.
func (o *options) strictFormats() []llm.Codec {
	p, err := findProvider(o.provider)
	if err != nil {
		return nil
	}
	client, err := p.Connect("none", catalog.Config{})
	if err != nil || !client.Info().Strict {
		return nil
	}
	return catalog.Formats(o.provider)
}

func reads(c llm.Codec, endpoint string) bool {
	_, _, err := c.Parse(endpoint, nil)
	return !errors.Is(err, errors.ErrUnsupported)
}

func unknownTo(c llm.Codec, q *sink.Request) string {
	_, _, err := c.Parse(q.Endpoint, q.Body)
	if unknown, ok := errors.AsType[*llm.UnknownMemberError](err); ok {
		return unknown.Member
	}
	return ""
}

// check reports whether a row is wanted, and what is wrong with one that is.
func (r *rows) check(row source.Row, where *where) (wanted bool, err error) {
	switch wanted, err = where.check(row, r.decoded); {
	case !wanted || err != nil:
	case r.chat != nil:
		_, err = r.chat(row)
	default:
		_, err = r.request(row)
	}
	if err != nil {
		return true, &durable.InputError{Source: row.File, Line: row.Line, Err: err}
	}
	return wanted, nil
}
