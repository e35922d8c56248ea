package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/report"
)

type reportOptions struct {
	state, format, out, template string
	json                         bool
}

func newReport() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report [NAME]",
		Short: "Report how a run went: figures, models, failures with examples, advice",
		Long: `Report how a run went, from the state directory: rows by outcome, durations, batches,
tokens by model, failures with examples, and what the figures suggest. The run may be
finished, interrupted or under way. The HTML page is one file without scripts that needs
no network.

A --template is one of Go's package text/template; its fields are the names of the JSON
form in Go's spelling, as "go doc github.com/balerhq/baler/flow/report.Report" lists
them.`,
		Example: `  baler report tickets
  baler report tickets --out report.html
  baler report tickets --json | jq .failed.percent`,
		Args: oneName(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), cmd.OutOrStdout(), args)
		},
	}
	f := cmd.Flags()
	stateFlag(cmd, &o.state)
	f.StringVar(&o.format, "format", "", "md, html or json (default: by the name of --out, otherwise md)")
	f.BoolVar(&o.json, "json", false, "short for --format json")
	f.StringVar(&o.out, "out", "", "new file for the report (default: standard output)")
	f.StringVar(&o.template, "template", "", "file with a template of your own, instead of --format")
	return cmd
}

func (o *reportOptions) run(ctx context.Context, w io.Writer, args []string) error {
	write, err := o.form()
	if err != nil {
		return err
	}
	r, err := readReport(ctx, o.state, args)
	if err != nil {
		return err
	}
	if o.out == "" {
		err = write(r, w)
	} else {
		err = createFile(o.out, func(w io.Writer) error { return write(r, w) })
	}
	if err != nil {
		return usage("%w", err)
	}
	return nil
}

// form returns what writes the report, as the flags say.
func (o *reportOptions) form() (func(*report.Report, io.Writer) error, error) {
	if o.json {
		if o.format != "" && o.format != "json" || o.template != "" {
			return nil, usage("--json is given beside --format or --template: leave one of them out")
		}
		return (*report.Report).JSON, nil
	}
	if o.template != "" {
		if o.format != "" {
			return nil, usage("--template and --format are both given")
		}
		text, err := os.ReadFile(o.template)
		if err != nil {
			return nil, usage("--template: %w", err)
		}
		return func(r *report.Report, w io.Writer) error { return r.Template(w, string(text)) }, nil
	}
	format := o.format
	if format == "" {
		format = strings.TrimPrefix(strings.ToLower(filepath.Ext(o.out)), ".")
	}
	switch format {
	case "", "md", "markdown", "txt":
		return (*report.Report).Markdown, nil
	case "html", "htm":
		return (*report.Report).HTML, nil
	case "json":
		return (*report.Report).JSON, nil
	}
	if o.format == "" {
		return nil, usage("--out %s: the name does not say the format: give --format md, html or json", o.out)
	}
	return nil, usage("--format %s: choose md, html or json", o.format)
}

func readReport(ctx context.Context, state string, args []string) (*report.Report, error) {
	a, err := openArchive(state, args)
	if err != nil {
		return nil, err
	}
	name := a.Name()
	d, err := formatOfRun(a)
	if closeErr := a.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	dir, err := durable.Open(state)
	if err != nil {
		return nil, usage("%w", err)
	}
	r, err := report.Read(ctx, dir, name, archive.Query{Codec: d.Codec, Codecs: codecsOf(d)})
	if err != nil {
		return nil, usage("%w", fmt.Errorf("report of %q: %w", name, err))
	}
	return r, nil
}
