package anthropic

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// The options of blocks.
var (
	imageOptions    = wire.Same("cache_control")
	textOptions     = wire.Same("cache_control", "citations")
	documentOptions = wire.Same("cache_control", "citations", "context")
)

// plainText is the type of documents that are sent as text.
const plainText = "text/plain"

func writeBlocks(parts []llm.Part) ([]wire.Fields, error) {
	all := make([]wire.Fields, len(parts))
	for i := range parts {
		var err error
		if all[i], err = writeBlock(&parts[i]); err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return all, nil
}

func writeBlock(p *llm.Part) (wire.Fields, error) {
	switch {
	case p.Image != nil:
		block := wire.Fields{"type": "image", "source": source(p.Image)}
		return block, imageOptions.Write(block, p.Options)
	case p.Document != nil:
		file := p.Document
		block := wire.Fields{"type": "document", "source": source(file)}
		if file.Type == plainText && len(file.Data) > 0 {
			if !utf8.Valid(file.Data) {
				return nil, errors.New("the document is text/plain, but no UTF-8")
			}
			block["source"] = wire.Fields{"type": "text", "media_type": plainText, "data": string(file.Data)}
		}
		block.SetText("title", file.Name)
		return block, documentOptions.Write(block, p.Options)
	}
	block := wire.Fields{"type": "text", "text": p.Text}
	return block, textOptions.Write(block, p.Options)
}

func source(f *llm.File) wire.Fields {
	switch {
	case f.ID != "":
		return wire.Fields{"type": "file", "file_id": f.ID}
	case f.URL != "":
		return wire.Fields{"type": "url", "url": f.URL}
	}
	return wire.Fields{"type": "base64", "media_type": f.Type, "data": wire.Base64(f.Data)}
}

func readBlock(o wire.Object) llm.Part {
	file := readSource(wire.Members(o["source"]))
	switch o.Text("type") {
	case "image":
		return llm.Part{Image: file, Options: imageOptions.Read(o)}
	case "document":
		file.Name = o.Text("title")
		return llm.Part{Document: file, Options: documentOptions.Read(o)}
	}
	return llm.Part{Text: o.Text("text"), Options: textOptions.Read(o)}
}

func readSource(o wire.Object) *llm.File {
	switch o.Text("type") {
	case "file":
		return &llm.File{ID: o.Text("file_id")}
	case "url":
		return &llm.File{URL: o.Text("url")}
	case "base64":
		return &llm.File{Type: o.Text("media_type"), Data: wire.FromBase64(o.Text("data"))}
	case "text":
		return &llm.File{Type: o.Text("media_type"), Data: []byte(o.Text("data"))}
	}
	return &llm.File{}
}
