package document

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"
)

func deflated(data string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(data))
	_ = w.Close()
	return b.String()
}

// objects is a stream of objects, with a header that is given.
func objects(header, body string) string {
	packed := deflated(header + body)
	return fmt.Sprintf("1 0 obj<</Type/ObjStm/First %d/Filter/FlateDecode/Length %d>>stream\n%s\nendstream", len(header), len(packed), packed)
}

const largest = "9223372036854775807"

// oddNumbers are files whose numbers lie outside of them.
var oddNumbers = []string{
	"1 0 obj<</Length " + largest + ">>\nstream\nx\nendstream",
	"1 0 obj<</Length " + largest + ">>stream\r\nx\nendstream",
	objects("1 "+largest+" ", "<</Type/Page>>"),
	objects("1 0 2 "+largest+" ", "<</Type/Page>>"),
	"1 0 obj<</Type/ObjStm/First " + largest + "/Length 1>>stream\nx\nendstream",
	"1 0 obj<</Type/Catalog/Pages 2 0 R>> 2 0 obj<</Type/Pages/Count " + largest + ">>",
}

func FuzzPDF(f *testing.F) {
	for _, odd := range oddNumbers {
		f.Add([]byte("%PDF-1.7 " + odd))
	}
	f.Add([]byte("%PDF-1.7 " + strings.Repeat("1 0 obj<</A ", 10)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newPDF(data)
		p.scan(data)
		if n := p.pageCount(); n < 0 || n > max(maxPages, p.pages) {
			t.Errorf("%d pages", n)
		}
		p.letters(p.pageCount())
		if p.inflated > maxInflated || p.allowance < 0 {
			t.Errorf("%d bytes inflated, an allowance of %d", p.inflated, p.allowance)
		}
	})
}

// What is read of dictionaries grows with the file, and not with its square.
func TestDictionariesThatDoNotEnd(t *testing.T) {
	const n = 10_000
	for name, data := range map[string]string{
		"objects":  strings.Repeat("1 0 obj<</A ", n),
		"texts":    strings.Repeat("1 0 obj(", n),
		"trailers": strings.Repeat("trailer<</A ", n),
		"packed":   objects(strings.Repeat("1 1 1 0 ", n), " <</Type/Page/A("+strings.Repeat("a", n)+")>>"),
	} {
		var about Info
		about.inspectPDF([]byte(data))
		if about.Pages != 0 || about.Letters != -1 {
			t.Errorf("%s: %d pages with %d letters of a file that was given up", name, about.Pages, about.Letters)
		}
		p := newPDF([]byte(data))
		p.scan([]byte(data))
		if !p.isGivenUp() || p.allowance < 0 {
			t.Errorf("%s: an allowance of %d is left", name, p.allowance)
		}
	}
}

// Text may be behind two filters, of which neither makes more than is allowed.
func TestFiltersBehindFilters(t *testing.T) {
	for filters, data := range map[string]string{
		"/Fl/Fl":  deflated(deflated("BT (Hello) Tj ET")),
		"/Fl/A85": deflated("6<#'U@4<<uC&~>"),
	} {
		p := newPDF(nil)
		got, ok := p.inflate(stream{[]byte(data), namesIn(filters)})
		if !ok || !bytes.HasPrefix(got, []byte("BT (")) {
			t.Errorf("%s: %q, %t", filters, got, ok)
		}
	}
	p := newPDF(nil)
	bomb := deflated(strings.Repeat("\x00", maxStream+1))
	if _, _ = p.inflate(stream{[]byte(bomb), namesIn("/Fl/Fl")}); p.inflated != maxStream {
		t.Errorf("%d bytes were inflated: want %d", p.inflated, maxStream)
	}
}
