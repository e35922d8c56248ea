package main

import (
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
)

// These limit what is checked before anybody is asked: what is wrong with all
// rows, such as a field that the prompt names, shows in the first.
const (
	previewRows  = 20
	previewBytes = 8 << 20
)

// preview checks the first rows of an input that was not read yet. All are
// checked by the run itself, once it knows that the provider can be used.
func (o *options) preview(dialect source.CSVFormat) error {
	if o.hasRead() {
		return nil
	}
	rows, err := newRows(o, func(string) {}) // which the run says
	if err != nil {
		return err
	}
	n, size := 0, 0
	for row, err := range source.Rows(o.input).WithFormat(dialect).Items() {
		if err == nil {
			err = rows.check(row)
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
