package main

import (
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
)

// These limit what is checked before anybody is asked: what is wrong with all
// rows, such as a field that the prompt names, shows in the first.
const (
	previewRows  = 20
	previewBytes = 8 << 20
)

// preview checks the first rows of an input that was not read yet. All are
// checked by the run itself, once it knows that the provider can be used.
func (o *options) preview(dialect source.CSVFormat, tell func(string)) error {
	if o.hasRead() {
		return nil
	}
	rows, err := newRows(o, func(string) {}) // which the run says
	if err != nil {
		return err
	}
	format, _ := formatOf(o.provider) // that the provider is unknown is said by whoever connects to it
	told := make(map[string]bool)
	n, size := 0, 0
	for row, err := range source.Rows(o.input).WithFormat(dialect).Items() {
		if err == nil {
			err = rows.check(row)
		}
		if member := rows.unknownMember(row, format.Codec); err == nil && member != "" && !told[member] {
			told[member] = true
			tell(fmt.Sprintf("%s:%d: the request stays with %s as it is, because of its member %q", o.input, row.Line, o.provider, member))
		}
		if err != nil {
			return o.explain(err, durable.Report{})
		}
		n, size = n+1, size+len(row.JSON)
		if n == previewRows || size >= previewBytes {
			break
		}
	}
	return nil
}

// hasRead reports whether the run needs its input no more.
func (o *options) hasRead() bool {
	if o.fresh {
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
// in a chat, so that no other provider can be asked. It is "" if there is none.
func (r *rows) unknownMember(row source.Row, codec llm.Codec) string {
	if r.request == nil || codec == nil {
		return ""
	}
	q, err := r.request(row)
	if err != nil || q.Endpoint != codec.Endpoint() {
		return "" // the first is told, and the second has no chats
	}
	_, _, err = codec.Parse(q.Endpoint, q.Body)
	if unknown, ok := errors.AsType[*llm.UnknownMemberError](err); ok {
		return unknown.Member
	}
	return ""
}

// check returns what is wrong with a row.
func (r *rows) check(row source.Row) (err error) {
	if r.chat != nil {
		_, err = r.chat(row)
	} else {
		_, err = r.request(row)
	}
	if err != nil {
		return &durable.InputError{Source: r.input, Line: row.Line, Err: err}
	}
	return nil
}
