// Package document tells what files are before they are sent to a model: their
// type, by their content, their pages and their tokens.
//
//	part, about, err := document.Read("report.pdf")
//	chat := llm.Chat{Messages: []llm.Message{{Text: "What does it say?", Parts: []llm.Part{part}}}}
//	fmt.Println(about.Pages, about.Warning())
//
// A durable job reads the files of its chats by itself: see [llm.File.Path].
package document

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // for their sizes
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	_ "golang.org/x/image/webp" // likewise

	"github.com/balerhq/baler/sink/llm"
)

// The media types of the files that are known.
const (
	PNG  = "image/png"
	JPEG = "image/jpeg"
	GIF  = "image/gif"
	WebP = "image/webp"
	PDF  = "application/pdf"
	Text = "text/plain"
	DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
)

// MaxBytes is how large a file may be that is read.
const MaxBytes = 256 << 20

// Info is what is known of a file.
type Info struct {
	Name  string
	Type  string // the media type that it is sent with
	Bytes int    // that are sent, before their base64
	// Pages of a PDF, 0 if they cannot be counted.
	Pages int
	// Letters is how many letters the text layer of a PDF has, as far as they
	// were counted. It is -1 if that cannot be known.
	Letters int
	// Encrypted is true of a PDF that is protected, if only against changes.
	Encrypted bool
	// Width and Height are those of an image, in pixels.
	Width, Height int
	// Sum is the SHA-256 of what is sent.
	Sum [sha256.Size]byte
}

func sumOf(data []byte) [sha256.Size]byte { return sha256.Sum256(data) }

// IsImage reports whether it is a picture.
func (i Info) IsImage() bool { return strings.HasPrefix(i.Type, "image/") }

// fewLetters is how many letters a page has at least that was not only scanned.
const fewLetters = 50

// Warning returns what may surprise in an answer about the file, "" if nothing.
func (i Info) Warning() string {
	if i.Type == PDF && i.Pages == 0 && !i.Encrypted {
		return quoted(i.Name) + " has no page that can be counted: it may be damaged, and its tokens are guessed by its size"
	}
	if i.Type != PDF || i.Pages == 0 || i.Letters < 0 || i.Letters >= fewLetters*i.Pages {
		return ""
	}
	if i.Letters == 0 {
		return fmt.Sprintf("%s has no text layer: its %d pages are read as images, and cannot be cited", quoted(i.Name), i.Pages)
	}
	return fmt.Sprintf("%s has hardly any text layer, %d letters on %d pages: what is only an image cannot be cited", quoted(i.Name), i.Letters, i.Pages)
}

// Read reads a file, and returns the part of a chat that it makes.
func Read(path string) (llm.Part, Info, error) {
	data, err := readFile(path)
	if err != nil {
		return llm.Part{}, Info{}, err
	}
	return Part(llm.File{Name: filepath.Base(path), Data: data})
}

// readFile reads a whole file, which must not change meanwhile.
func readFile(path string) ([]byte, error) {
	before, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, pathError(path, err)
	case !before.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", quoted(path))
	case before.Size() > MaxBytes:
		return nil, fmt.Errorf("%s has %d bytes: at most %d", quoted(path), before.Size(), MaxBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	after, err := os.Stat(path)
	if err != nil || after.Size() != int64(len(data)) || before.Size() != after.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, fmt.Errorf("%s has changed while it was read: try again once it is complete", quoted(path))
	}
	return data, nil
}

func pathError(path string, err error) error {
	if inner, is := errors.AsType[*os.PathError](err); is {
		err = inner.Err
	}
	return fmt.Errorf("%s cannot be read: %w", quoted(path), err)
}

func quoted(path string) string { return fmt.Sprintf("%q", path) }

// Part returns the part of a chat that the bytes of a file make. A DOCX becomes
// its text. The type is found by the content, whatever the name or File.Type
// says.
func Part(file llm.File) (llm.Part, Info, error) {
	about, data, err := inspect(file.Name, file.Data)
	if err != nil {
		return llm.Part{}, about, err
	}
	out := llm.File{Name: file.Name, Type: about.Type, Data: data}
	if about.IsImage() {
		return llm.Part{Image: &out}, about, nil
	}
	return llm.Part{Document: &out}, about, nil
}

// Inspect tells what a file is.
func Inspect(file llm.File) (Info, error) {
	about, _, err := inspect(file.Name, file.Data)
	return about, err
}

// inspect returns what a file is, and the bytes that are sent of it.
func inspect(name string, data []byte) (about Info, sent []byte, err error) {
	about.Name = name
	switch {
	case len(data) == 0:
		return about, nil, fmt.Errorf("%s is empty", quoted(name))
	case len(data) > MaxBytes:
		return about, nil, fmt.Errorf("%s has %d bytes: at most %d", quoted(name), len(data), MaxBytes)
	case isPDF(data):
		about.Type = PDF
		about.inspectPDF(data)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		text, err := docxText(data)
		if err != nil {
			return about, nil, fmt.Errorf("%s: %w", quoted(name), err)
		}
		about.Type, data = Text, []byte(text)
	default:
		if text, is := plainText(data); is {
			about.Type, data = Text, text
			break
		}
		switch kind := http.DetectContentType(data); kind {
		case PNG, JPEG, GIF, WebP:
			about.Type = kind
			size, _, err := image.DecodeConfig(bytes.NewReader(data))
			if err != nil {
				return about, nil, fmt.Errorf("%s is damaged: %w", quoted(name), err)
			}
			about.Width, about.Height = size.Width, size.Height
		default:
			return about, nil, fmt.Errorf("%s is of no known type: must be PNG, JPEG, GIF, WebP, PDF, DOCX or text", quoted(name))
		}
	}
	about.Bytes, about.Sum = len(data), sumOf(data)
	if about.Type == Text && len(bytes.TrimSpace(data)) == 0 {
		return about, nil, fmt.Errorf("%s has no text", quoted(name))
	}
	return about, data, nil
}

// isPDF reports whether a file is a PDF: some begin with something else.
func isPDF(data []byte) bool { return bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) }

// plainText returns a text in UTF-8, and false if the bytes are none.
func plainText(data []byte) ([]byte, bool) {
	for mark, order := range map[string]int{"\xff\xfe": 0, "\xfe\xff": 1} {
		if rest, is := bytes.CutPrefix(data, []byte(mark)); is && len(rest)%2 == 0 {
			units := make([]uint16, len(rest)/2)
			for i := range units {
				units[i] = uint16(rest[2*i+order]) | uint16(rest[2*i+1-order])<<8
			}
			return []byte(string(utf16.Decode(units))), true
		}
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return nil, false
	}
	for _, b := range data {
		if b < ' ' && b != '\n' && b != '\r' && b != '\t' && b != '\f' && b != '\v' && b != 0x1b {
			return nil, false
		}
	}
	return data, true
}
