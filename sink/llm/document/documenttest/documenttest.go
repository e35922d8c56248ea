// Package documenttest makes small files for tests.
package documenttest

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

// PDF returns a PDF with a page for each text. An empty text makes a page
// without a text layer.
func PDF(pages ...string) []byte { return writePDF(pages, false) }

// PackedPDF is like PDF, but its objects are compressed, and it has no usable
// index.
func PackedPDF(pages ...string) []byte { return writePDF(pages, true) }

func writePDF(pages []string, packed bool) []byte {
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", ""}
	var kids strings.Builder
	for _, text := range pages {
		n := len(objects) + 1
		fmt.Fprintf(&kids, "%d 0 R ", n)
		content := "q 100 0 0 100 0 0 cm Q"
		if text != "" {
			content = "BT /F1 12 Tf 72 720 Td (" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(text) + ") Tj ET"
		}
		stream, filter := content, ""
		if packed {
			stream, filter = deflate(content), "/Filter/FlateDecode"
		}
		objects = append(
			objects,
			fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/Contents %d 0 R>>", n+1),
			fmt.Sprintf("<</Length %d%s>>\nstream\n%s\nendstream", len(stream), filter, stream),
		)
	}
	objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), kids.String())
	if packed {
		return packPDF(objects)
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	index := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, index)
	return b.Bytes()
}

// packPDF puts the objects without streams into a stream of objects.
func packPDF(objects []string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var list, all strings.Builder
	n := 0
	for i, o := range objects {
		if strings.Contains(o, "endstream") {
			fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
			continue
		}
		fmt.Fprintf(&list, "%d %d ", i+1, all.Len())
		all.WriteString(o + "\n")
		n++
	}
	stream := deflate(list.String() + all.String())
	fmt.Fprintf(&b, "%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(objects)+1, n, list.Len(), len(stream), stream)
	b.WriteString("startxref\n0\n%%EOF\n")
	return b.Bytes()
}

func deflate(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// DOCX returns a DOCX whose body is this XML, in which w is the namespace.
func DOCX(body string) []byte {
	return Zip("word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+body+`</w:body></w:document>`)
}

// Zip returns an archive of one file.
func Zip(name, content string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(content))
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	_ = w.Close()
	return b.Bytes()
}

// PNG returns an image of one colour, which differs by its number.
func PNG(width, height, number int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	c := color.RGBA{uint8(number), uint8(number >> 8), uint8(number >> 16), 255} //nolint:gosec // a colour
	for i := range width * height {
		img.Set(i%width, i/width, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
