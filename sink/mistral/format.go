package mistral

import (
	"errors"

	"github.com/balerhq/baler/sink/internal/completions"
	"github.com/balerhq/baler/sink/internal/wire"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/schema"
)

var format = completions.Format{
	Messages: "messages", Limit: "max_tokens", Schema: wire.ResponseFormat,
	Options: wire.Same(
		"frequency_penalty", "guardrails", "metadata", "n", "parallel_tool_calls", "prediction", "presence_penalty",
		"prompt_cache_key", "prompt_mode", "reasoning_effort", "safe_prompt", "stop", "tool_choice", "tools", "top_p",
		wire.ResponseFormat,
	).And(wire.Names{"seed": "random_seed"}),
	Dialect:     schema.Mistral,
	WriteSchema: completions.WriteSchema, ReadSchema: completions.ReadSchema,
	WritePart: writePart, ReadPart: readPart,
	NoDeveloper: true, NoModel: true, Prefix: true,
}

// The options of parts.
var (
	noOptions    = wire.Names{}
	imageOptions = wire.Names{"detail": "image_url.detail"}
)

func writePart(_ llm.Role, p *llm.Part) (wire.Fields, error) {
	switch {
	case p.Image != nil:
		return writeImage(p)
	case p.Document != nil && wire.IsPlainText(p.Document):
		part := wire.Fields{"type": "text", "text": wire.TitledText(p.Document)}
		return part, noOptions.Write(part, p.Options)
	case p.Document != nil && p.Document.ID != "":
		part := wire.Fields{"type": "file", "file_id": p.Document.ID}
		return part, noOptions.Write(part, p.Options)
	case p.Document != nil:
		part := wire.Fields{"type": "document_url", "document_url": wire.URL(p.Document)}
		part.SetText("document_name", p.Document.Name)
		return part, noOptions.Write(part, p.Options)
	}
	part := wire.Fields{"type": "text", "text": p.Text}
	return part, noOptions.Write(part, p.Options)
}

// writeImage writes the URL of an image, within an object if there is more to
// say about it.
func writeImage(p *llm.Part) (wire.Fields, error) {
	if p.Image.ID != "" {
		return nil, errors.New("the endpoint takes no ID of an image; give its Data or URL")
	}
	part := wire.Fields{"type": "image_url", "image_url": wire.URL(p.Image)}
	if len(p.Options) == 0 {
		return part, nil
	}
	part["image_url"] = wire.Fields{"url": wire.URL(p.Image)}
	return part, imageOptions.Write(part, p.Options)
}

func readPart(o wire.Object) llm.Part {
	switch o.Text("type") {
	case "image_url":
		url := o.Text("image_url")
		if url == "" {
			url = o.Text("image_url.url")
		}
		file := wire.FileAt(url)
		return llm.Part{Image: &file, Options: imageOptions.Read(o)}
	case "document_url":
		file := wire.FileAt(o.Text("document_url"))
		file.Name = o.Text("document_name")
		return llm.Part{Document: &file}
	case "file":
		return llm.Part{Document: &llm.File{ID: o.Text("file_id")}}
	}
	return llm.Part{Text: o.Text("text")}
}
