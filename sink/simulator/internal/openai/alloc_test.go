package openai

import (
	"testing"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A million rows go through these: what they allocate, the client under test
// pays for, because it runs on the same machine.
func TestARowAllocatesLittle(t *testing.T) {
	line := []byte(`{"custom_id":"tag_hash","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-sim","messages":[` +
		`{"role":"system","content":"Sort tickets."},{"role":"user","content":"My parcel did not arrive on Tuesday although tracking says so"}]}}`)
	if n := testing.AllocsPerRun(100, func() {
		r, _ := parseRow(line)
		_, _ = parseParams(r.body)
	}); n > 0 {
		t.Errorf("parsing a row allocates %v times", n)
	}
	e := Protocol{}.Rows(protocol.Batch{Identity: protocol.Identity{ID: "batch_x"}, Endpoint: "/v1/chat/completions", Model: "gpt-sim"})
	r := e.Read(line)
	reply := protocol.Reply{Text: "shipping: My parcel did not arrive", InputTokens: 50, OutputTokens: 10}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendResult(buf[:0], r, reply) }); n > 0 {
		t.Errorf("encoding a result allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { e.Read(line) }); n > 1 {
		t.Errorf("reading a row allocates %v times, want only its custom_id", n)
	}
}
