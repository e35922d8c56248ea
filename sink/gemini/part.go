package gemini

import (
	"errors"
	"fmt"
	"strings"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// The options of parts.
var (
	textOptions = wire.Same("thought", "thoughtSignature")
	fileOptions = wire.Same("mediaResolution", "thoughtSignature", "videoMetadata")
)

func writeContent(parts []llm.Part) (wire.Fields, error) {
	all := make([]wire.Fields, len(parts))
	for i := range parts {
		var err error
		if all[i], err = writePart(&parts[i]); err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return wire.Fields{"parts": all}, nil
}

func writePart(p *llm.Part) (wire.Fields, error) {
	file := p.Image
	if file == nil {
		file = p.Document
	}
	if file == nil {
		part := wire.Fields{"text": p.Text}
		return part, textOptions.Write(part, p.Options)
	}
	part := wire.Fields{}
	switch {
	case file.ID != "":
		return nil, errors.New("the ID of a file is not taken here; give the URI of the file as its URL")
	case file.URL != "":
		data := wire.Fields{"fileUri": file.URL}
		data.SetText("mimeType", file.Type)
		part["fileData"] = data
	default:
		part["inlineData"] = wire.Fields{"mimeType": file.Type, "data": wire.Base64(file.Data)}
	}
	return part, fileOptions.Write(part, p.Options)
}

// readContent reads a message. A single text is a message's Text.
func readContent(role llm.Role, content wire.Object) llm.Message {
	var parts []llm.Part
	for _, part := range wire.List(content["parts"]) {
		parts = append(parts, wire.Known(readPart(wire.Members(part))))
	}
	if len(parts) == 1 && wire.IsText(&parts[0]) && parts[0].Options == nil {
		return llm.Message{Role: role, Text: parts[0].Text}
	}
	return llm.Message{Role: role, Parts: parts}
}

func readPart(o wire.Object) llm.Part {
	file := llm.File{
		Type: o.Text("inlineData.mimeType"),
		Data: wire.FromBase64(o.Text("inlineData.data")),
	}
	if o["fileData"] != nil {
		file = llm.File{Type: o.Text("fileData.mimeType"), URL: o.Text("fileData.fileUri")}
	}
	kind, _, _ := strings.Cut(file.Type, "/")
	switch {
	case o["fileData"] == nil && o["inlineData"] == nil:
		return llm.Part{Text: o.Text("text"), Options: textOptions.Read(o)}
	case kind == "audio", kind == "video": // which a chat has no place for
		return llm.Part{}
	case kind == "image":
		return llm.Part{Image: &file, Options: fileOptions.Read(o)}
	}
	return llm.Part{Document: &file, Options: fileOptions.Read(o)}
}
