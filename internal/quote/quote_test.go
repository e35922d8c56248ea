package quote_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/quote"
)

// check compares with jsontext, whose form is canonical.
func check(t *testing.T, s string) {
	t.Helper()
	want, _ := jsontext.AppendQuote([]byte("before"), s)
	if got := quote.Append([]byte("before"), s); !bytes.Equal(got, want) {
		t.Errorf("%q is quoted as %s, want %s", s, got, want)
	}
	if got := quote.IsPlain(s); got != (string(want) == `before"`+s+`"`) {
		t.Errorf("IsPlain(%q) = %v, and it is quoted as %s", s, got, want)
	}
}

func TestEveryByteAtEveryPlace(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for c := range 256 {
				b := []byte(strings.Repeat("~", n))
				b[at] = byte(c)
				check(t, string(b))
			}
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("")
	f.Add("a\"b\\c\n\r\t\b\f\x00\x1f\x7f\u2028</script>\U0001f600 and more")
	f.Add("\xff is no text, and \xed\xa0\x80 neither")
	f.Fuzz(check)
}

func BenchmarkAppend(b *testing.B) {
	text := strings.Repeat("The parcel has not arrived, please look into it.\n", 20)
	b.SetBytes(int64(len(text)))
	var buf []byte
	for b.Loop() {
		buf = quote.Append(buf[:0], text)
	}
}
