package doctor_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// A file of a row that is lost or damaged is named, with what brings it back,
// until the job needs it no more.
func TestKeptFilesAreExamined(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	content := map[string]string{"t-0": "the first content", "t-1": "another content", "t-2": "another content"}
	job := w.Job()
	job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) {
		chat := llm.Ask(t.Text)
		chat.Messages[0].Parts = append(chat.Messages[0].Parts, llm.FromBytes(t.ID+".txt", []byte(content[t.ID])))
		return chat, nil
	}
	if _, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		t.Fatal(err)
	}
	examine := func() []doctor.Problem {
		t.Helper()
		h, err := doctor.Examine(t.Context(), w.StateDir())
		if err != nil {
			t.Fatal(err)
		}
		return h.Problems
	}
	if problems := examine(); len(problems) != 0 {
		t.Fatalf("%+v", problems)
	}
	sum := sha256.Sum256([]byte("another content"))
	digest := hex.EncodeToString(sum[:])
	kept := durabletest.FirstOf(t, w.Path("state/job-*/files/*/"+digest), 1)[0]
	for what, damage := range map[string]func() error{
		"is not as it was kept": func() error { return os.WriteFile(kept, []byte("Another content"), 0o600) },
		"is lost":               func() error { return os.Remove(kept) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		problems := examine()
		if len(problems) != 1 || !strings.HasSuffix(problems[0].File, digest) || problems[0].Repair != doctor.RepairNone ||
			!strings.Contains(problems[0].What, "a file of line 2 "+what+": copy the original") {
			t.Errorf("%s: %+v", what, problems)
		}
		if err := os.WriteFile(kept, []byte("another content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.MustRun(job)
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if problems := examine(); len(problems) != 0 {
		t.Errorf("after the end: %+v", problems)
	}
}
