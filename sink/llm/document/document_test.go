package document_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document"
	"github.com/balerhq/baler/sink/llm/document/documenttest"
)

func jpegOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black}), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// webp is the smallest lossless image.
const webp = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

// The type is that of the content, whatever the name says.
func TestTypesByContent(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want document.Info
	}{
		"a.pdf":   {documenttest.PNG(30, 20, 1), document.Info{Type: document.PNG, Width: 30, Height: 20}},
		"b":       {jpegOf(t, 16, 8), document.Info{Type: document.JPEG, Width: 16, Height: 8}},
		"c.png":   {gifOf(t, 3, 2), document.Info{Type: document.GIF, Width: 3, Height: 2}},
		"d.txt":   {[]byte(webp), document.Info{Type: document.WebP, Width: 1, Height: 1}},
		"e.jpg":   {documenttest.PDF("Hello"), document.Info{Type: document.PDF, Pages: 1, Letters: 5}},
		"f.docx":  {documenttest.DOCX(`<w:p><w:r><w:t>Hello</w:t></w:r></w:p>`), document.Info{Type: document.Text}},
		"g.csv":   {[]byte("\xef\xbb\xbfa,b\n1,ü\n"), document.Info{Type: document.Text}},
		"h.utf16": {[]byte("\xff\xfeh\x00i\x00"), document.Info{Type: document.Text}},
		"i.utf16": {[]byte("\xfe\xff\x00h\x00i"), document.Info{Type: document.Text}},
	} {
		part, got, err := document.Part(llm.File{Name: name, Data: test.data})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		test.want.Name, test.want.Bytes, test.want.Sum = name, got.Bytes, got.Sum
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
		if (part.Image != nil) != got.IsImage() || (part.Document != nil) == got.IsImage() {
			t.Errorf("%s: %+v", name, part)
		}
	}
	for data, want := range map[string]string{"\xff\xfeh\x00i\x00": "hi", "\xfe\xff\x00h\x00i": "hi", "\xef\xbb\xbfa": "a"} {
		if part, _, err := document.Part(llm.File{Data: []byte(data)}); err != nil || string(part.Document.Data) != want {
			t.Errorf("%q: %+v, %v", data, part, err)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for words, data := range map[string][]byte{
		"is empty":                   nil,
		"has no text":                []byte(" \n"),
		"is of no known type":        []byte("\x00\x01\x02\x03"),
		"is of no known type: must":  []byte("text with a \x00"),
		"is damaged":                 documenttest.PNG(2, 2, 1)[:20],
		"no DOCX: convert it to PDF": documenttest.Zip("xl/workbook.xml", "<x/>"),
		"a damaged archive":          []byte("PK\x03\x04...."),
		"a damaged DOCX":             documenttest.Zip("word/document.xml", "<w:document><w:p>"),
	} {
		_, err := document.Inspect(llm.File{Name: "the-file", Data: data})
		if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), `"the-file"`) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}

func TestPagesAndTextOfPDFs(t *testing.T) {
	long := strings.Repeat("many words ", 20)
	encrypted := bytes.Replace(documenttest.PDF(long), []byte("/Root 1 0 R"), []byte("/Root 1 0 R/Encrypt 9 0 R"), 1)
	// A second version of the pages is appended, as editors do.
	updated := append(documenttest.PDF(long), []byte("2 0 obj\n<</Type/Pages/Count 7/Kids[3 0 R]>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF")...)
	noCatalog := bytes.Replace(documenttest.PDF(long, long), []byte("/Type/Catalog"), []byte("/Type/Xatalog"), 1)
	for name, test := range map[string]struct {
		data    []byte
		pages   int
		warning string
	}{
		"text":               {documenttest.PDF(long, long, "", long), 4, ""},
		"compressed":         {documenttest.PackedPDF(long, long), 2, ""},
		"images":             {documenttest.PDF("", "", ""), 3, "has no text layer: its 3 pages"},
		"compressed images":  {documenttest.PackedPDF("", ""), 2, "has no text layer: its 2 pages"},
		"hardly any text":    {documenttest.PDF("Page 1", "Page 2"), 2, "has hardly any text layer, 12 letters on 2 pages"},
		"something before":   {append([]byte("junk\n"), documenttest.PDF(long)...), 1, ""},
		"version 2.0":        {bytes.Replace(documenttest.PDF(long), []byte("%PDF-1.7"), []byte("%PDF-2.0"), 1), 1, ""},
		"without an index":   {bytes.Split(documenttest.PDF(long, long), []byte("xref"))[0], 2, ""},
		"updated":            {updated, 7, "hardly any"},
		"without a catalog":  {noCatalog, 2, ""},
		"encrypted":          {encrypted, 1, ""},
		"an unknown filter":  {bytes.Replace(documenttest.PackedPDF("a"), []byte("/FlateDecode/Length"), []byte("/FlateDecod3/Length"), 1), 0, "may be damaged"},
		"nothing but a name": {[]byte("%PDF-1.4 obj << /Type /Pages /Count 5 /Kids [ 1 0 R"), 0, "may be damaged"},
	} {
		got, err := document.Inspect(llm.File{Name: "a.pdf", Data: test.data})
		if err != nil || got.Type != document.PDF || got.Pages != test.pages {
			t.Errorf("%s: %+v, %v, want %d pages", name, got, err, test.pages)
		}
		if w := got.Warning(); (w == "") != (test.warning == "") || !strings.Contains(w, test.warning) {
			t.Errorf("%s: warning %q, want %q", name, w, test.warning)
		}
		if got.Encrypted != (name == "encrypted") {
			t.Errorf("%s: encrypted: %t", name, got.Encrypted)
		}
	}
}

func TestTextOfDOCX(t *testing.T) {
	body := `<w:p><w:r><w:t>First</w:t></w:r><w:r><w:tab/><w:t xml:space="preserve"> line &amp; more</w:t><w:br/><w:t>broken</w:t></w:r></w:p>
		<w:p><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins></w:p>
		<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
		<mc:AlternateContent xmlns:mc="x"><mc:Choice><w:p><w:r><w:t>once</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p><w:r><w:t>once</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>`
	part, about, err := document.Part(llm.File{Name: "a.docx", Data: documenttest.DOCX(body)})
	if err != nil {
		t.Fatal(err)
	}
	const want = "First\t line & more\nbroken\ninserted\na \tb \t\nonce"
	if got := string(part.Document.Data); got != want || part.Document.Type != document.Text || part.Document.Name != "a.docx" || about.Bytes != len(want) {
		t.Errorf("%q, want %q: %+v", got, want, about)
	}
}

// Archives and streams that grow without bounds are given up.
func TestBombs(t *testing.T) {
	text := "<w:p><w:r><w:t>" + strings.Repeat("a", 9<<20) + "</w:t></w:r></w:p>"
	if _, err := document.Inspect(llm.File{Name: "a.docx", Data: documenttest.DOCX(text)}); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("DOCX: %v", err)
	}
	pdf := documenttest.PackedPDF(strings.Repeat(" ", 20<<20))
	got, err := document.Inspect(llm.File{Name: "a.pdf", Data: pdf})
	if err != nil || got.Pages != 1 || len(pdf) > 1<<20 {
		t.Errorf("PDF: %+v, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	limits := &llm.FileLimits{Types: []string{document.PNG, document.PDF, document.Text}, Bytes: 1000, Pages: 10, Plain: true}
	pdf := document.Info{Name: "a.pdf", Type: document.PDF, Bytes: 300, Pages: 6}
	for words, files := range map[string][]document.Info{
		"":                             {pdf, {Name: "b.txt", Type: document.Text, Bytes: 600}},
		`"c.gif" is image/gif, which`:  {pdf, {Name: "c.gif", Type: document.GIF}},
		`"d.png": the files`:           {pdf, {Name: "d.png", Type: document.PNG, Bytes: 451}},
		`"e.pdf": the PDFs of the`:     {pdf, {Name: "e.pdf", Type: document.PDF, Pages: 5}},
		`"f.pdf" is encrypted, which `: {{Name: "f.pdf", Type: document.PDF, Encrypted: true}},
	} {
		err := document.Check(files, limits, nil)
		if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
		if err := document.Check(files, new(llm.FileLimits), nil); err != nil {
			t.Errorf("without limits: %v", err)
		}
	}
	limits.StoredBytes = 2000
	for words, f := range map[string]document.Info{
		"":                              {Name: "g.pdf", Type: document.PDF, Bytes: 2000},
		`"h.pdf" has 2001 bytes, and`:   {Name: "h.pdf", Type: document.PDF, Bytes: 2001},
		`"i.txt": the files of the req`: {Name: "i.txt", Type: document.Text, Bytes: 1001},
		`"j.pdf": the PDFs of the requ`: {Name: "j.pdf", Type: document.PDF, Bytes: 2000, Pages: 11},
	} {
		err := document.Check([]document.Info{f}, limits, func(f *document.Info) bool { return f.Type == document.PDF })
		if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("stored: %v, want %q", err, words)
		}
	}
	for _, test := range []struct {
		info document.Info
		want int
	}{{pdf, 6 * 258}, {document.Info{Type: document.Text, Bytes: 400}, 100}, {document.Info{Type: document.PNG, Width: 10, Height: 20}, 30}, {document.Info{Type: document.PDF, Bytes: 10_000}, 100}} {
		if got := test.info.Tokens(&llm.FileLimits{PageTokens: 258, ImageTokens: func(w, h int) int { return w + h }}); got != test.want {
			t.Errorf("%+v: %d tokens, want %d", test.info, got, test.want)
		}
	}
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func chatOf(parts ...llm.Part) llm.Chat {
	return llm.Chat{Messages: []llm.Message{{Text: "What is it?", Parts: parts}}}
}

func TestLoad(t *testing.T) {
	picture, text := write(t, "a.dat", documenttest.PNG(2, 2, 1)), write(t, "b.md", []byte("# Title"))
	given := chatOf(
		llm.FromPath(picture).Cited(), llm.FromPath(text).Cited(), llm.FromBytes("c.pdf", documenttest.PDF("x")),
		llm.Part{Document: &llm.File{Path: text, Name: "renamed"}}, llm.Part{Image: &llm.File{URL: "https://example.com/a.png"}},
		llm.Part{Document: &llm.File{Type: "application/x-own", Data: []byte{0, 1}}},
	)
	got, files, err := document.Load(given)
	if err != nil {
		t.Fatal(err)
	}
	parts := got.Messages[0].Parts
	switch {
	case parts[0].Image == nil || parts[0].Image.Type != document.PNG || len(parts[0].Options) > 0:
		t.Errorf("%+v", parts[0])
	case parts[1].Document == nil || string(parts[1].Document.Data) != "# Title" || parts[1].Document.Name != "b.md" || parts[1].Options[llm.CitationsOption] == nil:
		t.Errorf("%+v", parts[1])
	case parts[2].Document == nil || parts[2].Document.Type != document.PDF:
		t.Errorf("%+v", parts[2])
	case parts[3].Document.Name != "renamed" || parts[4].Image.URL == "" || parts[5].Document.Type != "application/x-own":
		t.Errorf("%+v, %+v, %+v", parts[3], parts[4], parts[5])
	case len(files) != 5 || files[4].Type != "application/x-own":
		t.Errorf("%+v", files)
	case given.Messages[0].Parts[0].File.Path != picture || !document.HasFiles(&given):
		t.Error("the chat that was given has changed")
	}
}

func TestFilesThatCannotBeLoaded(t *testing.T) {
	text := write(t, "b.md", []byte("# Title"))
	for words, part := range map[string]llm.Part{
		"no-such-file\" cannot be read: no such file": llm.FromPath("no-such-file"),
		"is no regular file":                          llm.FromPath(filepath.Dir(text)),
		"is text/plain: set Part.File":                {Image: &llm.File{Path: text}},
		"is one of image":                             {Image: &llm.File{Data: []byte("x")}, Document: &llm.File{Data: []byte("x")}},
		"both a Path and Data":                        {File: &llm.File{Path: text, Data: []byte("x")}},
		"\"a\" is text/plain, but not in UTF-8":       {Document: &llm.File{Name: "a", Type: document.Text, Data: []byte("\xff\xfea\x00")}},
		"is an Image or a Document of its part":       {File: &llm.File{URL: "https://example.com/"}},
	} {
		if _, _, err := document.Load(chatOf(part)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}

// A file that changes between two rows is not two files.
func TestLoaderNoticesAChange(t *testing.T) {
	path := write(t, "a.txt", []byte("one"))
	var l document.Loader
	for range 2 {
		if _, _, err := l.Load(chatOf(llm.FromPath(path))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Load(chatOf(llm.FromPath(path))); err == nil || !strings.Contains(err.Error(), "has changed since it was read for an earlier row") {
		t.Error(err)
	}
}

// A caller may change the parts that it gets.
func TestLoadedPartsAreTheCallers(t *testing.T) {
	var l document.Loader
	path := write(t, "a.txt", []byte("one"))
	first, _, err := l.Load(chatOf(llm.FromPath(path)))
	if err != nil {
		t.Fatal(err)
	}
	first.Messages[0].Parts[0].Document.Data = nil
	again, _, err := l.Load(chatOf(llm.FromPath(path)))
	if err != nil || string(again.Messages[0].Parts[0].Document.Data) != "one" {
		t.Errorf("%+v, %v", again, err)
	}
}

func FuzzInspect(f *testing.F) {
	for _, data := range [][]byte{
		documenttest.PDF("a", ""), documenttest.PackedPDF("b"), documenttest.PNG(1, 1, 1), []byte(webp), []byte("text"),
		documenttest.DOCX("<w:p/>"), []byte("%PDF-1.4 1 0 obj<</Length 5/Filter[/A85/Fl]>>stream\n(a\nendstream trailer<<"),
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := document.Inspect(llm.File{Data: data})
		if err == nil && (info.Type == "" || info.Pages < 0) {
			t.Errorf("%+v", info)
		}
		_ = info.Warning()
	})
}
