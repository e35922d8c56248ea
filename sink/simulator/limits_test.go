package simulator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

func TestOpenBatchesAndEnqueuedRowsAreLimited(t *testing.T) {
	t.Parallel()
	const oneRow, twoRows = `{"rows":[{"key":"a","ask":"x"}]}`, `{"rows":[{"key":"a","ask":"x"},{"key":"b","ask":"x"}]}`
	for cause, test := range map[protocol.Cause]struct {
		limits Limits
		fits   string // beside one row
		not    string // beside one row and that
	}{
		protocol.OpenBatches:  {Limits{OpenBatches: 2}, twoRows, oneRow},
		protocol.EnqueuedRows: {Limits{EnqueuedRows: 3}, oneRow, twoRows},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, err := newSimulator(Config{Provider: "inline", Limits: test.limits, Latency: Latency{Processing: time.Minute}}, two)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			for _, body := range []string{oneRow, test.fits} {
				if w := ask(s, "one", "POST", "/jobs", body); w.Code != 200 {
					t.Fatalf("%s: %d %s", cause, w.Code, w.Body)
				}
			}
			if w := ask(s, "one", "POST", "/jobs", test.not); w.Code != 429 || !strings.HasPrefix(w.Body.String(), string(cause)) {
				t.Errorf("%s: %d %s", cause, w.Code, w.Body)
			}
			if w := ask(s, "two", "POST", "/jobs", test.not); w.Code != 200 {
				t.Errorf("%s: another key gets %d %s", cause, w.Code, w.Body)
			}
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			if w := ask(s, "one", "POST", "/jobs", test.not); w.Code != 200 {
				t.Errorf("%s: after they have ended %d %s", cause, w.Code, w.Body)
			}
			hidden := 0
			for _, f := range s.files.all() {
				if f.Hidden && !f.Deleted && strings.HasPrefix(f.ID, "input-") {
					hidden++
				}
			}
			if open := 1; hidden != open {
				t.Errorf("%s: %d inputs are kept, want that of the open batch alone", cause, hidden)
			}
		})
	}
}

func TestLimitsAreThoseOfTheProviderUnlessSet(t *testing.T) {
	t.Parallel()
	s := pair(t, Config{Provider: "openai", Limits: Limits{Rows: 7}})
	if l := s.root.limits; l.Rows != 7 || l.UploadBytes != 512_000_000 || l.EnqueuedRows != 0 {
		t.Errorf("openai: %+v", l)
	}
	if l := s.mounts["inline"].limits; l != (protocol.Limits{Rows: 7}) {
		t.Errorf("inline: %+v", l)
	}
}

// A document of each kind is cited at its beginning.
func TestEchoCitesDocuments(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 60)
	got := Echo(Row{request: asked{documents: []protocol.Document{
		{Index: 0, Kind: protocol.CharLocation, Text: long},
		{Index: 2, Kind: protocol.PageLocation},
		{Index: 3, Kind: protocol.BlockLocation, Text: "short"},
	}}}).rendered().Citations
	want := []protocol.Citation{
		{Document: 0, Kind: protocol.CharLocation, End: 50, Text: long[:100]},
		{Document: 2, Kind: protocol.PageLocation, Start: 1, End: 2},
		{Document: 3, Kind: protocol.BlockLocation, End: 1, Text: "short"},
	}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%+v", got)
	}
}

func TestEchoIsCutWhereTheRequestSays(t *testing.T) {
	t.Parallel()
	for tokens, want := range map[int64]string{0: "general: ééééééé", 6: "general: ééééééé", 5: "general: ééééé"} {
		got := Echo(Row{request: asked{prompt: "ééééééé", tokens: tokens}})
		if got.Text != want || (got.FinishReason == protocol.FinishLength) != (tokens == 5) {
			t.Errorf("%d tokens: %+v", tokens, got)
		}
	}
	schema := &protocol.Schema{Type: "string"}
	if got := Echo(Row{request: asked{prompt: "a long prompt", tokens: 1, schema: schema}}); got.Text != `"a l` || got.FinishReason != protocol.FinishLength {
		t.Errorf("%+v", got)
	}
}

// asked is a request.
type asked struct {
	prompt    string
	schema    *protocol.Schema
	tokens    int64
	documents []protocol.Document
}

func (a asked) Prompt() string                 { return a.prompt }
func (a asked) Schema() *protocol.Schema       { return a.schema }
func (a asked) MaxTokens() int64               { return a.tokens }
func (a asked) Documents() []protocol.Document { return a.documents }
