package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// where selects rows by a template that prints true or false.
type where struct {
	text   string
	prompt *prompt
	err    error // of the row that was checked last
}

func (w *where) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.text, "where", "", `rows that are wanted, as a Go template of their fields that prints true or false, such as '{{eq .lang "de"}}'`)
}

func (w *where) validate() (err error) {
	if w.text == "" {
		return nil
	}
	p, used, err := newTemplate("--where", w.text)
	if err == nil && !used {
		err = usage("--where uses no field of the row, so it says the same of all rows: write it as in '{{eq .lang \"de\"}}'")
	}
	w.prompt = p
	return err
}

// set adds what must be the same at each start.
func (w *where) set(settings map[string]string) {
	if w.text != "" {
		settings["--where"] = w.text
	}
}

// apply lets a job leave out the rows that are not wanted. One for which that
// cannot be told is an error of the input.
func (w *where) apply(job *durable.Job[source.Row], d *decoded) {
	if w.prompt == nil {
		return
	}
	job.Where = func(row source.Row) (wanted bool) {
		wanted, w.err = w.check(row, d)
		return wanted || w.err != nil
	}
	if ask := job.Prompt; ask != nil {
		job.Prompt = func(row source.Row) (llm.Chat, error) { return askUnless(w.err, ask, row) }
	}
	if ask := job.Request; ask != nil {
		job.Request = func(row source.Row) (sink.Request, error) { return askUnless(w.err, ask, row) }
	}
}

// askUnless asks about a row unless there is an error.
func askUnless[Q any](err error, ask func(source.Row) (Q, error), row source.Row) (q Q, _ error) {
	if err != nil {
		return q, err
	}
	return ask(row)
}

// check reports whether a row is wanted.
func (w *where) check(row source.Row, d *decoded) (bool, error) {
	if w.prompt == nil {
		return true, nil
	}
	fields, err := d.fields(row.JSON)
	if err != nil {
		return false, err
	}
	text, err := w.prompt.fill(fields)
	if errors.Is(err, errNoText) {
		return false, errors.New("--where prints nothing for this row: must print true or false")
	}
	if err != nil {
		return false, fmt.Errorf("--where: %w", err)
	}
	switch text = strings.TrimSpace(text); text {
	case "true", "false":
		return text == "true", nil
	}
	return false, fmt.Errorf("--where prints %.40q for this row: must print true or false", text)
}
