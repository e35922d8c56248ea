package simulator

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// BenchmarkExecute validates and executes batches of 50,000 rows of 1 KB:
// what the simulator costs beside HTTP.
func BenchmarkExecute(b *testing.B) {
	const rows = 50_000
	s, err := New(Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	input := protocol.File{Identity: protocol.Identity{ID: "file-in", Owner: "me"}, Purpose: "batch"}
	f, err := os.Create(s.contentPath(input.ID))
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("My parcel did not arrive on Tuesday although the tracking page says it was delivered. ", 10)
	for i := range rows {
		n, err := fmt.Fprintf(f, `{"custom_id":"0123456789abcdef_%043d","method":"POST","url":"/v1/chat/completions","body":`+
			`{"model":"gpt-sim","messages":[{"role":"user","content":"%s"}]}}`+"\n", i, text)
		if err != nil {
			b.Fatal(err)
		}
		input.Bytes += int64(n)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	if _, err := s.files.add(func(int) protocol.File { return input }); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(input.Bytes)
	b.ReportAllocs()
	for b.Loop() {
		now := s.Now()
		job, err := s.batches.add(func(seq int) protocol.Batch {
			return protocol.Batch{
				Identity: protocol.Identity{ID: protocol.NewID("batch_"), Owner: "me", Seq: seq, Created: now}, Endpoint: "/v1/chat/completions",
				InputFile: input.ID, Status: protocol.Validating, ExpiresAt: now.Add(24 * time.Hour), OutputFile: "file-out", ErrorFile: "file-err",
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.live(b.Context(), job.ID); err != nil {
			b.Fatal(err)
		}
		if job, _ = s.batches.get(job.ID); job.Status != protocol.Completed || job.Counts.Completed != rows {
			b.Fatalf("%+v", job)
		}
	}
	perRow := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / rows
	b.ReportMetric(perRow, "ns/row")
	b.ReportMetric(1e9/perRow, "rows/s")
}
