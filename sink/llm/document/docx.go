package document

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDOCX bounds the size of a document's XML, and maxDOCXText that of its
// text, whatever the archive says.
const (
	maxDOCX     = 64 << 20
	maxDOCXText = 8 << 20
)

// docxText returns the text of the body of a DOCX: a line for each paragraph,
// and one with tabs for each row of a table.
func docxText(data []byte) (string, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "", fmt.Errorf("it is a damaged archive: %w", err)
	}
	for _, file := range archive.File {
		if file.Name != "word/document.xml" {
			continue
		}
		f, err := file.Open()
		if err != nil {
			return "", fmt.Errorf("it is a damaged DOCX: %w", err)
		}
		text, err := readDOCX(f)
		return text, errors.Join(err, f.Close())
	}
	return "", errors.New("it is an archive, and no DOCX: convert it to PDF or text")
}

func readDOCX(r io.Reader) (string, error) {
	limited := &io.LimitedReader{R: r, N: maxDOCX}
	d := xml.NewDecoder(limited)
	var w docxWriter
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && limited.N > 0:
			return strings.TrimSpace(w.text.String()), nil
		case limited.N <= 0 || w.text.Len() > maxDOCXText:
			return "", fmt.Errorf("its text is larger than %d bytes", maxDOCXText)
		case err != nil:
			return "", fmt.Errorf("it is a damaged DOCX: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "Fallback" { // says again what is said before it
				if err := d.Skip(); err != nil {
					return "", fmt.Errorf("it is a damaged DOCX: %w", err)
				}
				continue
			}
			w.begin(t.Name.Local)
		case xml.EndElement:
			w.end(t.Name.Local)
		case xml.CharData:
			if w.isText {
				w.text.Write(t)
			}
		}
	}
}

// docxWriter collects the text of a DOCX.
type docxWriter struct {
	text   strings.Builder
	isText bool
	cells  int // that are open, of tables in tables
}

func (w *docxWriter) begin(element string) {
	switch element {
	case "t":
		w.isText = true
	case "tab":
		w.text.WriteByte('\t')
	case "br", "cr":
		w.text.WriteByte('\n')
	case "tc":
		w.cells++
	}
}

func (w *docxWriter) end(element string) {
	switch element {
	case "t":
		w.isText = false
	case "p":
		if w.cells > 0 {
			w.text.WriteByte(' ')
		} else {
			w.text.WriteByte('\n')
		}
	case "tc":
		w.cells--
		w.text.WriteByte('\t')
	case "tr":
		w.text.WriteByte('\n')
	}
}
