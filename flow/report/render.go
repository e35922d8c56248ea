package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	htmltemplate "html/template"
	"io"
	"text/template"
)

var (
	//go:embed report.md.tmpl
	markdownText string
	//go:embed report.html.tmpl
	htmlText string

	markdownTemplate = template.Must(template.New("report.md").Funcs(functions).Parse(markdownText))
	htmlTemplate     = htmltemplate.Must(htmltemplate.New("report.html").Funcs(functions).Parse(htmlText))
)

// Markdown writes the report as Markdown with tables, as GitHub shows it.
func (r *Report) Markdown(w io.Writer) error {
	return rendered(markdownTemplate.Execute(w, r))
}

// HTML writes the report as one page. It needs no network and no script, is
// light or dark as its reader wants it, fits wide and narrow screens, and can
// be printed.
func (r *Report) HTML(w io.Writer) error {
	return rendered(htmlTemplate.Execute(w, page{r, newCharts(r)}))
}

// JSON writes the report as JSON.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return rendered(e.Encode(r))
}

// Template writes the report by a template of package text/template. Its
// fields are those of Report; its functions beside the standard ones are count
// (1,234), percent, decimal, duration (of seconds), money, time, line (on one line,
// without control characters) and cell (for a table of Markdown).
func (r *Report) Template(w io.Writer, text string) error {
	t, err := template.New("template").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return rendered(err)
	}
	return rendered(t.Execute(w, r))
}

func rendered(err error) error {
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// page is what the HTML template shows.
type page struct {
	*Report
	Charts charts
}
