package openai

import (
	"errors"

	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
)

// The options of parts.
var (
	partOptions        = wire.Same("prompt_cache_breakpoint")
	saidOptions        = wire.Same("annotations", "logprobs") // of what the model said
	detailOptions      = partOptions.And(wire.Same("detail"))
	imageOptionsOfChat = partOptions.And(wire.Names{"detail": "image_url.detail"})
)

func writeChatPart(_ llm.Role, p *llm.Part) (wire.Fields, error) {
	switch {
	case p.Image != nil:
		if p.Image.ID != "" {
			return nil, errors.New("the endpoint takes no ID of an image; give its Data or URL")
		}
		part := wire.Fields{"type": "image_url", "image_url": wire.Fields{"url": wire.URL(p.Image)}}
		return part, imageOptionsOfChat.Write(part, p.Options)
	case p.Document != nil && wire.IsPlainText(p.Document): // as a file, it may be a PDF only
		part := wire.Fields{"type": "text", "text": wire.TitledText(p.Document)}
		return part, partOptions.Write(part, p.Options)
	case p.Document != nil:
		if p.Document.URL != "" {
			return nil, errors.New("the endpoint takes no URL of a document; give its Data or ID")
		}
		file := wire.Fields{}
		writeFile(file, p.Document)
		part := wire.Fields{"type": "file", "file": file}
		return part, partOptions.Write(part, p.Options)
	}
	part := wire.Fields{"type": "text", "text": p.Text}
	return part, partOptions.Write(part, p.Options)
}

func readChatPart(o wire.Object) llm.Part {
	switch o.Text("type") {
	case "image_url":
		file := wire.FileAt(o.Text("image_url.url"))
		return llm.Part{Image: &file, Options: imageOptionsOfChat.Read(o)}
	case "file":
		file := wire.Members(o["file"])
		delete(file, "file_url") // which the endpoint does not take
		return llm.Part{Document: readFile(file), Options: partOptions.Read(o)}
	}
	return llm.Part{Text: o.Text("text"), Options: partOptions.Read(o)}
}

func writeResponsesPart(role llm.Role, p *llm.Part) (wire.Fields, error) {
	switch {
	case p.Image != nil:
		part := wire.Fields{"type": "input_image"}
		part.SetText("file_id", p.Image.ID)
		part.SetText("image_url", wire.URL(p.Image))
		return part, detailOptions.Write(part, p.Options)
	case p.Document != nil:
		part := wire.Fields{"type": "input_file"}
		writeFile(part, p.Document)
		return part, detailOptions.Write(part, p.Options)
	case role == llm.RoleAssistant:
		part := wire.Fields{"type": "output_text", "text": p.Text}
		return part, saidOptions.Write(part, p.Options)
	}
	part := wire.Fields{"type": "input_text", "text": p.Text}
	return part, partOptions.Write(part, p.Options)
}

func readResponsesPart(o wire.Object) llm.Part {
	switch o.Text("type") {
	case "input_image":
		file := wire.FileAt(o.Text("image_url"))
		if id := o.Text("file_id"); id != "" {
			file = llm.File{ID: id}
		}
		return llm.Part{Image: &file, Options: detailOptions.Read(o)}
	case "input_file":
		return llm.Part{Document: readFile(o), Options: detailOptions.Read(o)}
	case "output_text":
		return llm.Part{Text: o.Text("text"), Options: saidOptions.Read(o)}
	}
	return llm.Part{Text: o.Text("text"), Options: partOptions.Read(o)}
}

func writeFile(fields wire.Fields, f *llm.File) {
	fields.SetText("filename", f.Name)
	fields.SetText("file_id", f.ID)
	fields.SetText("file_url", f.URL)
	if len(f.Data) > 0 {
		fields["file_data"] = wire.DataURL(f)
	}
}

// readFile takes one source of a document: its ID, its URL or its bytes.
func readFile(o wire.Object) *llm.File {
	file := llm.File{ID: o.Text("file_id")}
	if file.ID == "" {
		file.URL = o.Text("file_url")
	}
	if file.ID+file.URL == "" {
		file = wire.FileAt(o.Text("file_data"))
		file.URL = "" // bytes that DataURL does not write are no source
	}
	file.Name = o.Text("filename")
	return &file
}
