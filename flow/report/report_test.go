package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/report"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// nasty is what a user or a provider may say, and what must not become markup.
const nasty = `<script>alert("1")</script> | **x** & [a](b)`

// made runs a job of n questions, of which every fifth fails, and returns the
// report.
func made(t *testing.T, n int, stop bool) *report.Report {
	t.Helper()
	server, err := simulator.Start("", simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdle)
	dir, err := durable.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	questions := make([]string, n)
	for i := range questions {
		questions[i] = fmt.Sprintf("%s %d", nasty, i)
		if i%5 == 4 {
			questions[i] += " [[400]]"
		}
	}
	questions = append(questions, questions[:min(n, 3)]...)
	job := durable.Job[string]{
		Name: "a <b>run</b>", Labels: map[string]string{"team " + nasty[:9]: nasty}, Source: source.Seq("questions", slices.Values(questions)),
		Key:      func(q string) string { return q },
		Where:    func(q string) bool { return !strings.HasSuffix(q, " 0") },
		Prompt:   func(q string) (llm.Chat, error) { return llm.Ask(q), nil },
		Provider: client, Model: "m", Poll: 10 * time.Millisecond, Dir: dir, ReadAll: true,
		Batch:  durable.BatchLimits{MaxItems: 10},
		Guard:  retry.GuardConfig{PauseAbove: 1},
		Tenant: func(q string) string { return q[len(q)-1:] + nasty }, Prices: prices(t), Budget: durable.Budget{Total: 9 * price.USD},
		Log: slog.New(slog.DiscardHandler),
	}
	if stop {
		_, err = durable.Ingest(t.Context(), job)
	} else {
		_, err = durable.Run(t.Context(), job)
	}
	if err != nil {
		t.Fatal(err)
	}
	h, err := dir.Attach(job.Name)
	if err == nil {
		_, err = h.AddReuse(durable.Reuse{Hits: 1234, Shared: 5, Saved: 7 * price.USD})
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Read(t.Context(), dir, job.Name, archive.Query{Codec: client.Info().Codec})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// prices has the price of the model m: two dollars for a million tokens of
// input, in batches.
func prices(t *testing.T) *price.Table {
	t.Helper()
	own, err := price.Read(strings.NewReader(`{"as_of":"2026-11","models":[{"provider":"openai","model":"m","live":[{"input":4,"output":0}],"batch_factor":0.5}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// The receipt of a run adds up: to what its usage costs, over its models, and
// over its tenants.
func TestAReceiptAddsUp(t *testing.T) {
	t.Parallel()
	r := made(t, 50, false)
	got, tenants, listed := r.Receipt, price.Money(0), price.Money(0)
	for _, tenant := range got.Tenants {
		tenants, listed = tenants+tenant.Cost, listed+tenant.List
		if tenant.List != 2*tenant.Cost || tenant.Saved != tenant.Cost {
			t.Errorf("%+v", tenant)
		}
	}
	if want := (2 * price.USD / 1_000_000).Times(r.Usage.Input); want == 0 || got.Paid != want || got.List != 2*want || got.Saved != want || got.Waste != 0 || tenants != want || listed != 2*want {
		t.Errorf("%+v, want %s paid", got, want)
	}
	if len(got.Models) != 1 || got.Models[0].Paid != got.Paid || got.Models[0].Saved != got.Saved || got.Models[0].Rows != 49 {
		t.Errorf("%+v", got.Models)
	}
	for name, write := range map[string]func(io.Writer) error{"html": r.HTML, "markdown": r.Markdown} {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), "Receipt") || strings.Count(b.String(), got.Paid.Round(4).String()) < 3 || !strings.Contains(b.String(), "$9.00") {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
}

// Routes of one model are one line of a receipt, and what they have saved is
// never below zero.
func TestAReceiptHasALineForEachModel(t *testing.T) {
	t.Parallel()
	got := report.ReceiptOf(&durable.Report{Progress: durable.Progress{Routes: []durable.RouteProgress{
		{Provider: "a", Model: "m", Succeeded: 1, Cost: 2, List: 4},
		{Provider: "b", Model: "m", Succeeded: 2, Cost: 9, List: 8, Unpriced: 1},
		{Provider: "a", Model: "m", Failed: 3, Cost: 3, List: 6},
	}}})
	want := []report.ModelReceipt{{"b", "m", 2, 9, 8, 0, 1}, {"a", "m", 4, 5, 10, 5, 0}}
	if !slices.Equal(got.Models, want) {
		t.Errorf("%+v", got.Models)
	}
}

func TestAReportHasTheFiguresOfItsRun(t *testing.T) {
	t.Parallel()
	r := made(t, 50, false)
	if r.State != "completed" || r.Rows != 53 || r.Succeeded.Rows != 39 || r.Failed.Rows != 10 || r.Open.Rows != 0 ||
		r.Skipped.Duplicates != 2 || r.Skipped.Filtered != 2 || r.Skipped.Rows != 4 {
		t.Errorf("%+v", r)
	}
	if sum := r.Succeeded.Percent + r.Failed.Percent + r.Skipped.Percent; sum < 99.9 || sum > 100.1 {
		t.Errorf("the shares are %v %% together", sum)
	}
	if r.Batches.Bought != 5 || r.Batches.Rows != 9.8 || r.Latency.Batches != 5 || r.Latency.P50 > r.Latency.P90 || r.Latency.P90 > r.Latency.Longest {
		t.Errorf("batches %+v, latency %+v", r.Batches, r.Latency)
	}
	if len(r.Failures) != 1 || r.Failures[0].Rows.Rows != 10 || len(r.Failures[0].Examples) != 5 || !strings.Contains(r.Failures[0].Examples[0].ID, "[[400]]") || r.Failures[0].Examples[0].Message == "" {
		t.Errorf("failures %+v", r.Failures)
	}
	if len(r.Routes) != 1 || r.Routes[0].Share != 100 || r.Routes[0].Usage != r.Usage || r.Usage.Input == 0 {
		t.Errorf("routes %+v, usage %+v", r.Routes, r.Usage)
	}
	last := r.Timeline[len(r.Timeline)-1]
	if last.Succeeded != 39 || last.Failed != 10 || !last.At.Equal(r.Ended) || r.PerMinute <= 0 {
		t.Errorf("last %+v, ended %s, %v a minute", last, r.Ended, r.PerMinute)
	}
	if len(r.Advice) != 1 || !strings.HasPrefix(r.Advice[0], "20 %") {
		// 10 of 49 are above 20 %.
		t.Errorf("advice %q", r.Advice)
	}
}

func TestAReportOfARunWithoutResults(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 7} {
		r := made(t, n, n > 0)
		if r.Succeeded.Rows != 0 || r.Open.Rows != max(0, n-1) || r.PerMinute != 0 {
			t.Errorf("%+v", r)
		}
		for name, write := range map[string]func(io.Writer) error{"html": r.HTML, "markdown": r.Markdown, "json": r.JSON} {
			var b bytes.Buffer
			if err := write(&b); err != nil || b.Len() == 0 || strings.Contains(b.String(), "NaN") {
				t.Errorf("%s: %v\n%s", name, err, b.String())
			}
		}
	}
}

func TestFormsOfAReport(t *testing.T) {
	t.Parallel()
	r := made(t, 50, false)

	t.Run("html", func(t *testing.T) {
		var b bytes.Buffer
		if err := r.HTML(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		if strings.Contains(text, "<script") || strings.Contains(text, "<b>") || strings.Contains(text, "ZgotmplZ") {
			t.Error("words became markup")
		}
		if strings.Contains(text, "http") || strings.Contains(text, "url(") || strings.Contains(text, "@import") {
			t.Error("the page needs a network")
		}
		wellFormed(t, text)
		for _, want := range []string{"&lt;script&gt;", "<rect class=\"good\"", "<polygon", "[[400]]", "39", "<dd>1,234 <small>5 shared a row</small></dd>"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing", want)
			}
		}
	})
	t.Run("markdown", func(t *testing.T) {
		var b bytes.Buffer
		if err := r.Markdown(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		columns := 0 // of the table that a line is in
		for line := range strings.Lines(text) {
			cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
			if strings.HasPrefix(line, "|--") || strings.HasPrefix(line, "| --") {
				columns = cells
			}
			if strings.Contains(line, "alert") && cells != columns || strings.Contains(line, "<") {
				t.Errorf("words became markup: %s", line)
			}
		}
		if !strings.Contains(text, "| succeeded | 39 (73.6 %) |") || !strings.Contains(text, "| label team ") || !strings.Contains(text, "answer that was there | 1,234 |") {
			t.Errorf("%s", text)
		}
	})
	t.Run("json", func(t *testing.T) {
		var b bytes.Buffer
		var back report.Report
		if err := errors.Join(r.JSON(&b), json.Unmarshal(b.Bytes(), &back)); err != nil {
			t.Fatal(err)
		}
		if back.Schema != report.Schema || back.Failed != r.Failed || back.Reuse == nil || back.Reuse.Saved != 7*price.USD || back.Seconds != r.Seconds {
			t.Errorf("%+v", back)
		}
	})
	t.Run("template", func(t *testing.T) {
		var b bytes.Buffer
		err := r.Template(&b, `{{count .Rows}} rows, {{percent .Failed.Percent}} failed{{range .Failures}}, {{.Code}}{{end}}`)
		if got := b.String(); err != nil || got != "53 rows, 18.9 % failed, invalid_value" {
			t.Errorf("%q, %v", got, err)
		}
		if err := r.Template(io.Discard, "{{.Row}}"); err == nil || !strings.Contains(err.Error(), "Row") {
			t.Errorf("error %v", err)
		}
	})
}

// wellFormed reads a page as XML, but for what HTML leaves open.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "<!doctype html>\n")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
		case xml.EndElement:
			if n := len(open) - 1; n < 0 || open[n] != e.Name.Local {
				t.Fatalf("%s ends, open are %q", e.Name.Local, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %q", open)
	}
}

func TestThereIsNoReportOfARunThatThereIsNot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := report.Read(t.Context(), dir, "none", archive.Query{}); !errors.Is(err, durable.ErrNoRun) {
		t.Errorf("error %v", err)
	}
}
