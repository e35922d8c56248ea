package llm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/llm"
)

type ticket struct {
	Reason   string    `json:"reason"`
	Urgent   bool      `json:"urgent"`
	Products []string  `json:"products"`
	Refund   float64   `json:"refund,omitempty"`
	Level    int8      `json:"level,omitempty"`
	Due      time.Time `json:"due,omitzero"`
}

func TestJSON(t *testing.T) {
	t.Parallel()
	answer := llm.JSON[ticket]()
	s, err := answer.Schema()
	if err != nil || s.Name != "ticket" || s.Strict == nil || !*s.Strict {
		t.Fatalf("%+v, %v", s, err)
	}
	value, err := answer.Value("```json\n{\"reason\":\"r\",\"urgent\":true,\"products\":[],\"refund\":null,\"due\":\"2026-11-29T12:00:00Z\"}\n```")
	if err != nil || string(value) != `{"reason":"r","urgent":true,"products":[],"due":"2026-11-29T12:00:00Z"}` {
		t.Errorf("%s, %v", value, err)
	}
	for text, want := range map[string]string{
		`{"reason":1,"urgent":true}`:                                "at /reason: got number, want string; missing property 'products'",
		`{"reason":"r","urgent":true,"products":[],"level":200}`:    "at /level: must be at most 127",
		`{"reason":"r","urgent":true,"products":[],"due":"SECRET"}`: "at /due: is not a valid date-time",
	} {
		if _, err := answer.Value(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// BenchmarkAnswer is what the check of an answer costs.
func BenchmarkAnswer(b *testing.B) {
	answer := llm.JSON[ticket]()
	text := `{"reason":"` + strings.Repeat("because it is broken ", 10) + `","urgent":true,"products":["Widget","Gadget"],"refund":12.5,"level":3}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := answer.Value(text); err != nil {
			b.Fatal(err)
		}
	}
}
