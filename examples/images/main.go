// Images asks a language model about pictures: each row is a product with two of
// them, and the answer is a Go type.
//
// The pictures are read once, with their row, checked by their content, and kept
// by their digest, so that they may be gone when the batch is sent. The provider
// is a simulator in this process. Its model looks at the pictures that come with
// a request: it says what colours they have.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Product is a row.
type Product struct {
	Name        string
	Front, Back string // pictures
}

// Look is what is asked about a product.
type Look struct {
	Front string `json:"front" jsonschema:"the colour of the front"`
	Back  string `json:"back" jsonschema:"the colour of the back"`
}

// Prompt sends both pictures with the question.
func (p Product) Prompt() (llm.Chat, error) {
	return llm.Chat{Messages: []llm.Message{{Parts: []llm.Part{
		llm.FromPath(p.Front), llm.FromPath(p.Back), {Text: "Which colours do the front and the back have?"},
	}}}}, nil
}

func main() {
	dir, err := os.MkdirTemp("", "images-")
	if err == nil {
		err = run(context.Background(), dir, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir string, w io.Writer) error {
	products, err := paint(dir)
	if err != nil {
		return err
	}
	provider, err := simulator.Start("", simulator.Config{Answer: look})
	if err != nil {
		return err
	}
	defer provider.Close()
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	var lines []string
	_, err = durable.Run(ctx, durable.Job[Product]{
		Name:     "products",
		Source:   source.Seq("products", slices.Values(products)),
		Key:      func(p Product) string { return p.Name },
		Prompt:   Product.Prompt,
		Answer:   llm.JSON[Look](),
		Provider: client,
		Model:    "gpt-5.4-mini",
		Batch:    durable.BatchLimits{MaxWait: 100 * time.Millisecond},
		Poll:     50 * time.Millisecond,
		Output: durable.Each(func(_ context.Context, r durable.Result) error {
			seen, err := durable.Value[Look](r)
			if err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%s: %s, and %s behind\n", r.ID, seen.Front, seen.Back))
			return nil
		}),
	})
	if err != nil {
		return err
	}
	slices.Sort(lines) // answers come in any order
	_, err = io.WriteString(w, strings.Join(lines, ""))
	return err
}

var colours = map[string]color.RGBA{
	"red": {R: 255, A: 255}, "green": {G: 255, A: 255}, "blue": {B: 255, A: 255},
}

// paint makes the pictures.
func paint(dir string) ([]Product, error) {
	for name, c := range colours {
		picture := image.NewRGBA(image.Rect(0, 0, 8, 8))
		draw.Draw(picture, picture.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := png.Encode(&b, picture); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".png"), b.Bytes(), 0o600); err != nil {
			return nil, err
		}
	}
	path := func(colour string) string { return filepath.Join(dir, colour+".png") }
	return []Product{
		{"cap", path("red"), path("blue")}, {"mug", path("green"), path("green")}, {"scarf", path("blue"), path("red")},
	}, nil
}

var picture = regexp.MustCompile(`data:image/png;base64,([A-Za-z0-9+/=]+)`)

// look plays the model: it looks at the pictures in the request.
func look(row simulator.Row) simulator.Reply {
	var seen []string
	for _, found := range picture.FindAllSubmatch(row.Body, -1) {
		data, err := base64.StdEncoding.DecodeString(string(found[1]))
		if err != nil {
			break
		}
		decoded, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			break
		}
		for name, c := range colours {
			if decoded.At(4, 4) == c {
				seen = append(seen, name)
			}
		}
	}
	if len(seen) != 2 {
		return simulator.Reply{Refusal: "I see no two pictures."}
	}
	answer, err := json.Marshal(Look{seen[0], seen[1]})
	if err != nil {
		return simulator.Reply{Refusal: err.Error()}
	}
	return simulator.Reply{Text: string(answer)}
}
