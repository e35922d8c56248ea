package simulator

import "testing"

// A million rows go through these: what they allocate, the client under test
// pays for, because it runs on the same machine.
func TestAnsweringARowAllocatesLittle(t *testing.T) {
	body := []byte(`{"model":"gpt-sim","messages":[{"role":"system","content":"Sort tickets."},` +
		`{"role":"user","content":"My parcel did not arrive on Tuesday although tracking says so"}]}`)
	if n := testing.AllocsPerRun(100, func() { Echo(Row{Body: body}) }); n > 7 {
		t.Errorf("answering a row allocates %v times, want at most 7", n)
	}
	reply := Reply{Text: "shipping: My parcel did not arrive", InputTokens: 50, OutputTokens: 10}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		_ = reply.rendered()
		buf = appendExecution(buf[:0], []byte(`"tag_hash"`), reply)
	}); n > 0 {
		t.Errorf("entering a row into the ledger allocates %v times", n)
	}
}
