package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/source"
)

type ticket struct {
	ID      string `json:"id"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

const (
	benchRows = 10_000
	benchText = "My order has not arrived yet. It says \"delivered\" but nobody was at home. "
)

func benchFiles(tb testing.TB) (jsonl, csv string) {
	tb.Helper()
	var j, c strings.Builder
	text := strings.Repeat(benchText, 10)
	c.WriteString("id,subject,text\n")
	for n := range benchRows {
		fmt.Fprintf(&j, "{\"id\":\"%d\",\"subject\":\"Where is it?\",\"text\":%q}\n", n, text)
		fmt.Fprintf(&c, "%d,Where is it?,\"%s\"\n", n, strings.ReplaceAll(text, `"`, `""`))
	}
	dir := tb.TempDir()
	jsonl, csv = filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "a.csv")
	for path, content := range map[string]string{jsonl: j.String(), csv: c.String()} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return jsonl, csv
}

// Rows of about 800 bytes, each followed by a checkpoint, as a job does.
func BenchmarkItems(b *testing.B) {
	jsonl, csv := benchFiles(b)
	b.Run("jsonl", func(b *testing.B) { benchItems(b, source.JSONL[ticket](jsonl)) })
	b.Run("jsonl-rows", func(b *testing.B) { benchItems(b, source.Rows(jsonl)) })
	b.Run("csv", func(b *testing.B) { benchItems(b, source.CSV[ticket](csv)) })
	b.Run("csv-rows", func(b *testing.B) { benchItems(b, source.Rows(csv)) })
}

func benchItems[T any](b *testing.B, f *source.File[T]) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range f.Items() {
			if err != nil {
				b.Fatal(err)
			}
			if f.Checkpoint() == "" {
				b.Fatal("no checkpoint")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/item")
}
