package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm/document"
)

func newPreview() *cobra.Command {
	o, n := options{dryRun: true}, 0
	cmd := &cobra.Command{
		Use:   "preview INPUT...",
		Short: "Print the first requests that run would send",
		Long: `Print the requests of the first rows as "baler run" would send them with the same
flags, one JSON line each: the id of the row, the route that it takes, the endpoint and
the body. Rows that are to share requests are shown each with one of its own. Rows in
batch format are shown as they are in the input: their route, and the form in which its
provider gets them, are chosen later. Nothing is sent, and no key is needed.`,
		Example: `  baler preview tickets.jsonl --model gpt-5.4-mini --prompt 'Summarise: {{.text}}' --rows 2`,
		Args:    o.takeInputs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.file.several() {
				return usage("%s has several stages: name one with --%s", o.file.file, stageFlag)
			}
			o.setName(cmd)
			if n < 1 {
				return usage("--rows is %d: must be at least 1", n)
			}
			return o.preview(cmd, n)
		},
	}
	o.flags(cmd)
	o.file.flags(cmd)
	cmd.Flags().IntVar(&n, "rows", 3, "how many rows")
	return cmd
}

func (o *options) preview(cmd *cobra.Command, n int) (err error) {
	if o.inputs.standard() { // it is kept no longer than this
		if o.state, err = os.MkdirTemp("", "baler-preview-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.state)) }()
	}
	job, err := o.prepareKeyless(cmd)
	if err != nil {
		return err
	}
	p := newPreviewer(&job)
	for row, err := range job.Source.Items() {
		if err != nil {
			return o.explain(err, durable.Report{}) // it names the line
		}
		if job.Where != nil && !job.Where(row) {
			continue
		}
		if n--; n < 0 {
			return nil
		}
		for _, on := range p.routesOf(row) {
			v, err := p.encode(row, on)
			if err != nil {
				return o.explain(&durable.InputError{Source: row.File, Line: row.Line, Err: err}, durable.Report{})
			}
			if err := v.print(cmd.OutOrStdout()); err != nil {
				return err
			}
		}
	}
	return nil
}

// anyRoute is the place of a route that is chosen when the row is there.
const anyRoute = -1

// routesOf returns the places of the routes on which a row is asked.
func (p *previewer) routesOf(row source.Row) (on []int) {
	if !p.job.EveryRoute || p.job.Prompt == nil {
		return []int{anyRoute}
	}
	only := p.job.RouteKey(row)
	for i := range p.routes {
		if only == "" || only == p.routes[i].Name {
			on = append(on, i)
		}
	}
	return on
}

// previewer encodes rows as their routes would.
type previewer struct {
	job    *durable.Job[source.Row]
	routes []durable.Route
	states []router.State
	files  document.Loader
}

func newPreviewer(job *durable.Job[source.Row]) *previewer {
	p := &previewer{job: job, routes: job.Routes}
	if len(p.routes) == 0 {
		p.routes = []durable.Route{{Provider: job.Provider, Model: job.Model}}
	}
	for _, r := range p.routes {
		p.states = append(p.states, router.State{Name: r.Name, Weight: max(r.Weight, 1), Price: r.Price})
	}
	return p
}

// previewed is a row as it is printed.
type previewed struct {
	ID       string          `json:"id"`
	Route    string          `json:"route,omitempty"`
	Provider string          `json:"provider,omitempty"`
	Endpoint string          `json:"endpoint"`
	Body     json.RawMessage `json:"body"`
}

func (v previewed) print(w io.Writer) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", printable.JSON(b))
	return err
}

func (p *previewer) encode(row source.Row, on int) (v previewed, err error) {
	v.ID = p.job.Key(row)
	if p.job.Prompt == nil { // its route, and the form in which that gets it, are chosen later
		q, err := p.job.Request(row)
		v.Endpoint, v.Body = q.Endpoint, q.Body
		if len(p.routes) == 1 {
			v.Provider = p.routes[0].Provider.Info().Name
		}
		return v, err
	}
	chat, err := p.job.Prompt(row)
	if err != nil {
		return v, err
	}
	if chat, _, err = p.files.Load(chat); err != nil {
		return v, err
	}
	if answer := p.job.Answer; answer != nil && chat.Schema == nil {
		if chat.Schema, err = answer.Schema(); err != nil {
			return v, err
		}
	}
	if on == anyRoute {
		on = p.choose(v.ID, row)
	}
	r := p.routes[on]
	if p.job.EveryRoute {
		v.ID += "@" + r.Name
	}
	info := r.Provider.Info()
	v.Route, v.Provider, v.Endpoint = r.Name, info.Name, info.Codec.Endpoint()
	v.Body, err = info.Codec.Encode(r.Model, chat.WithDefaults(r.Options))
	return v, err
}

func (p *previewer) choose(id string, row source.Row) int {
	if p.job.Choose == nil || len(p.routes) == 1 {
		return 0
	}
	w := durable.Waiting{Key: id, Size: len(row.JSON)}
	if p.job.RouteKey != nil {
		w.RouteKey = p.job.RouteKey(row)
	}
	return p.job.Choose(w, p.states)
}
