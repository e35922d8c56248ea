package durable_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// withFiles lets each ticket ask about the files that these functions name.
func withFiles(w *durabletest.World, files ...func(id string) string) durable.Job[durabletest.Ticket] {
	job := w.Job()
	job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
		chat := llm.Ask(t.Text)
		for _, f := range files {
			chat.Messages[0].Parts = append(chat.Messages[0].Parts, llm.FromPath(w.Path(f(t.ID))))
		}
		return chat, nil
	}
	return job
}

func writeFile(w *durabletest.World, name string, data []byte) {
	w.T.Helper()
	if err := os.WriteFile(w.Path(name), data, 0o600); err != nil {
		w.T.Fatal(err)
	}
}

func keptFiles(w *durabletest.World) (names []string) {
	w.T.Helper()
	names, err := filepath.Glob(filepath.Join(w.Path("state"), "job-*", "files", "*", "*"))
	if err != nil {
		w.T.Fatal(err)
	}
	return names
}

// Each row has an image of its own, and a PDF that all share. Each is kept
// once, and the provider gets both with each row.
func TestFilesOfRows(t *testing.T) {
	t.Parallel()
	const rows = 6
	got := make(chan []byte, rows)
	w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		got <- bytes.Clone(r.Body)
		return simulator.Echo(r)
	}})
	w.Write("in.jsonl", durabletest.Tickets(rows)...)
	pdf := documenttest.PDF(strings.Repeat("shared words ", 10))
	writeFile(w, "all.pdf", pdf)
	for i := range rows {
		writeFile(w, fmt.Sprintf("t-%d.png", i), documenttest.PNG(4, 4, i))
	}
	var told []document.Info
	job := withFiles(w, func(id string) string { return id + ".png" }, func(string) string { return "all.pdf" })
	job.Attached = func(_ durabletest.Ticket, f document.Info) { told = append(told, f) }
	report := w.MustRun(job)
	if report.Succeeded != rows || len(told) != 2*rows || told[1].Pages != 1 {
		t.Errorf("%+v, told of %+v", report, told)
	}
	if kept := keptFiles(w); len(kept) != rows+1 {
		t.Errorf("%d files are kept, want %d", len(kept), rows+1)
	}
	close(got)
	images := make(map[int]bool)
	for body := range got {
		if !bytes.Contains(body, []byte(base64.StdEncoding.EncodeToString(pdf))) {
			t.Errorf("a row came without the PDF: %.200s", body)
		}
		for i := range rows {
			if bytes.Contains(body, []byte(base64.StdEncoding.EncodeToString(documenttest.PNG(4, 4, i)))) {
				images[i] = true
			}
		}
	}
	if len(images) != rows {
		t.Errorf("%d different images came, want %d", len(images), rows)
	}
	format := archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow}
	m, err := w.Archive("tickets").Export(t.Context(), w.Path("export"), format)
	if err != nil {
		t.Fatal(err)
	}
	exported, err := os.ReadFile(filepath.Join(w.Path("export"), m.Batches[0].Requests))
	if n := bytes.Count(exported, []byte(base64.StdEncoding.EncodeToString(pdf))); err != nil || n != rows {
		t.Errorf("the PDF is exported %d times, %v", n, err)
	}
}

// What was read is what is sent, even if the files are gone meanwhile. The same
// files under other names are the same request, and others are not.
func TestFilesAreReadOnce(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	for i := range 3 {
		writeFile(w, fmt.Sprintf("t-%d.txt", i), fmt.Appendf(nil, "the content of %d", i))
	}
	job := withFiles(w, func(id string) string { return id + ".txt" })
	report, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket])
	if err != nil || report.Rows != 3 {
		t.Fatalf("%+v, %v", report, err)
	}
	for i := range 3 {
		writeFile(w, fmt.Sprintf("t-%d.txt", i), []byte("another content"))
	}
	if report := w.MustRun(job); report.Succeeded != 3 {
		t.Errorf("%+v", report)
	}
	for _, test := range []struct {
		name   string
		text   string
		cached int
	}{{"again", "the content of %d", 3}, {"changed", "now of %d", 0}} {
		for i := range 3 {
			writeFile(w, fmt.Sprintf("t-%d.txt", i), fmt.Appendf(nil, test.text, i))
		}
		report, _, err := w.RunAs(test.name, job, durabletest.Tickets(3)...)
		if err != nil || report.Cached != test.cached || report.Succeeded != 3 {
			t.Errorf("%s: %+v, %v, want %d from the cache", test.name, report, err, test.cached)
		}
	}
}

// A file that cannot be sent is an error with its row and its name, and nothing
// is bought.
func TestFilesThatAreRefusedWithTheirRow(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(2)...)
	client, err := anthropic.New("k", anthropic.Config{BaseURL: w.Server.URL + "/anthropic", Transport: w.Server.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(w, "t-0.dat", []byte("a text"))
	for name, test := range map[string]struct {
		data  []byte
		words string
	}{
		"missing": {nil, "no such file"},
		"unknown": {[]byte("\x00\x01"), "is of no known type"},
		"long":    {documenttest.PDF(make([]string, 101)...), "have 101 pages, and the model takes 100"},
		"secured": {bytes.Replace(documenttest.PDF("a"), []byte("/Root"), []byte("/Encrypt 9 0 R/Root"), 1), "is encrypted"},
	} {
		_ = os.Remove(w.Path("t-1.dat"))
		if test.data != nil {
			writeFile(w, "t-1.dat", test.data)
		}
		job := withFiles(w, func(id string) string { return id + ".dat" })
		job.Provider, job.Model = client, "claude-haiku-4-5"
		_, _, err := w.RunAs(name, job, durabletest.Tickets(2)...)
		wrong, is := errors.AsType[*durable.InputError](err)
		if !is || wrong.Line != 2 || !strings.Contains(err.Error(), test.words) || !strings.Contains(err.Error(), "t-1.dat") {
			t.Errorf("%s: %v, want line 2, t-1.dat and %q", name, err, test.words)
		}
		if name == "long" {
			job.AnyFile = true
			if report, _, err := w.RunAs("any "+name, job, durabletest.Tickets(2)...); err != nil || report.Succeeded != 2 {
				t.Errorf("with AnyFile: %+v, %v", report, err)
			}
		}
	}
}

// Another Prompt is refused on resume also if its chats have files. Other files
// are not: what was read is kept.
func TestAnotherPromptAboutFilesIsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	writeFile(w, "t-0.dat", []byte("the content"))
	job := withFiles(w, func(id string) string { return id + ".dat" })
	if _, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		t.Fatal(err)
	}
	other := job
	other.Prompt = func(d durabletest.Ticket) (llm.Chat, error) {
		chat, err := job.Prompt(d)
		chat.Messages[0].Text = "Something else"
		return chat, err
	}
	if _, err := w.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "the Prompt or Request of the job") {
		t.Errorf("another Prompt: %v", err)
	}
	other.Prompt = func(d durabletest.Ticket) (llm.Chat, error) { return llm.Ask(d.Text), nil }
	if _, err := w.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "the Prompt or Request of the job") {
		t.Errorf("a Prompt without files: %v", err)
	}
	writeFile(w, "t-0.dat", documenttest.PNG(2, 2, 1))
	if report := w.MustRun(job); report.Succeeded != 1 {
		t.Errorf("with another file: %+v", report)
	}
}

// A text that no codec can write is refused with its row, although its type was
// given: later, it would end the run at each start.
func TestTextsThatAreNoneAreRefusedWithTheirRow(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job := w.Job()
	job.Prompt = func(durabletest.Ticket) (llm.Chat, error) {
		chat := llm.Ask("What is it?")
		chat.Messages[0].Parts = []llm.Part{{Document: &llm.File{Name: "a.txt", Type: document.Text, Data: []byte("caf\xe9")}}}
		return chat, nil
	}
	_, _, err := w.RunAs("latin", job, durabletest.Tickets(1)...)
	if wrong, is := errors.AsType[*durable.InputError](err); !is || wrong.Line != 1 || !strings.Contains(err.Error(), `"a.txt" is text/plain, but not in UTF-8`) {
		t.Error(err)
	}
	w.WantBilledOnce(0)
}

// A kept file that is damaged is noticed before it is sent.
func TestDamagedFilesAreNotSent(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	writeFile(w, "t-0.txt", []byte("the content"))
	job := withFiles(w, func(id string) string { return id + ".txt" })
	if _, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		t.Fatal(err)
	}
	kept := keptFiles(w)
	if len(kept) != 1 {
		t.Fatal(kept)
	}
	for _, damage := range []func() error{
		func() error { return os.WriteFile(kept[0], []byte("The content"), 0o600) },
		func() error { return os.Remove(kept[0]) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		_, err := w.Run(t.Context(), job)
		if damaged, is := errors.AsType[*state.DamageError](err); !is || !strings.Contains(damaged.File, filepath.Base(kept[0])) {
			t.Errorf("%v", err)
		}
	}
	w.WantBilledOnce(0)
}
