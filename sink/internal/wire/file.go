package wire

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// Parts returns all parts of a message, its text first. An error says which
// rule of llm.Part or llm.File a part breaks.
func Parts(m llm.Message) ([]llm.Part, error) {
	parts := m.Parts
	if m.Text != "" || len(parts) == 0 {
		parts = append([]llm.Part{{Text: m.Text}}, parts...)
	}
	for i := range parts {
		if err := check(&parts[i]); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func check(p *llm.Part) error {
	if p.File != nil {
		return errors.New("a file whose type is not known yet cannot be sent: read it with document.Load")
	}
	file := p.Image
	if file == nil {
		file = p.Document
	}
	switch {
	case file == nil:
		return nil
	case p.Text != "" || p.Image != nil && p.Document != nil:
		return errors.New("a part is one of text, image and document; make a part of each")
	}
	if file.Path != "" || file.Kept != "" {
		return errors.New("a file that has not been read cannot be sent: read it with document.Load")
	}
	sources := 0
	for _, isSet := range []bool{len(file.Data) > 0, file.URL != "", file.ID != ""} {
		if isSet {
			sources++
		}
	}
	switch {
	case sources != 1:
		return errors.New("a file has to have one of Data, URL and ID")
	case len(file.Data) > 0 && file.Type == "":
		return errors.New("a file with Data has to have a Type, such as \"image/png\"")
	}
	return nil
}

// Known returns a part that was read, and an empty one if it breaks a rule, so
// that Confirm names it.
func Known(p llm.Part) llm.Part {
	if check(&p) != nil {
		return llm.Part{}
	}
	return p
}

// Base64 returns the bytes of a file as they are sent.
func Base64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// FromBase64 returns bytes that Base64 writes as s, nil if there are none.
func FromBase64(s string) []byte {
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(data) == 0 || Base64(data) != s {
		return nil
	}
	return data
}

// DataURL returns the bytes of a file as a URL.
func DataURL(f *llm.File) string { return "data:" + f.Type + ";base64," + Base64(f.Data) }

// URL returns where a file is, or the file itself.
func URL(f *llm.File) string {
	if len(f.Data) > 0 {
		return DataURL(f)
	}
	return f.URL
}

// FileAt returns the file at a URL: its bytes, if the URL holds them in the
// form of DataURL.
func FileAt(url string) llm.File {
	rest, isData := strings.CutPrefix(url, "data:")
	mediaType, encoded, isBase64 := strings.Cut(rest, ";base64,")
	data := FromBase64(encoded)
	if !isData || !isBase64 || mediaType == "" || data == nil {
		return llm.File{URL: url}
	}
	return llm.File{Type: mediaType, Data: data}
}

// IsPlainText reports whether a document is a text that a chat has the bytes
// of.
func IsPlainText(f *llm.File) bool { return f.Type == "text/plain" && len(f.Data) > 0 }

// TitledText returns such a document as a text, for endpoints that have no
// documents of text.
func TitledText(f *llm.File) string {
	if f.Name == "" {
		return string(f.Data)
	}
	return f.Name + ":\n\n" + string(f.Data)
}
