package snippets_test

import (
	"context"
	"fmt"
	"os"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/report"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/cite"
	"github.com/balerhq/baler/sink/llm/document"
)

func _(ctx context.Context, dir *durable.Dir, codec llm.Codec, file *os.File) error {
	r, err := report.Read(ctx, dir, "tickets-2026-11", archive.Query{Codec: codec})
	if err != nil {
		return err
	}
	err = r.HTML(file)
	return err
}

func _(reply llm.Reply) error {
	mapped, err := cite.Map(reply)
	for _, f := range mapped.Fields {
		for _, s := range f.Sources {
			fmt.Println(f.Path, s.Quote, s.Confidence)
		}
	}
	return err
}

func _() (llm.Chat, error) {
	part, about, err := document.Read("report.pdf")
	chat := llm.Chat{Messages: []llm.Message{{Text: "What does it say?", Parts: []llm.Part{part}}}}
	fmt.Println(about.Pages, about.Warning())
	return chat, err
}
