package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/parquet"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A file of tickets in, a file of answers out.
func Example() {
	type Ticket struct {
		ID   string `parquet:"id"`
		Text string `parquet:"text"`
	}
	tmp, err1 := os.MkdirTemp("", "tickets") // a program has a directory that stays
	provider, err2 := simulator.Start("", simulator.Config{})
	if err := errors.Join(err1, err2); err != nil {
		panic(err)
	}
	defer os.RemoveAll(tmp)
	defer provider.Close()
	in, out := filepath.Join(tmp, "tickets.parquet"), filepath.Join(tmp, "answers.parquet")
	err1 = pq.WriteFile(in, []Ticket{{"T-1", "Where is my parcel?"}, {"T-2", "I was charged twice."}, {"T-3", "[[400]]"}})
	client, err2 := openai.New("sk-simulated", openai.Config{BaseURL: provider.URL + "/v1"})
	dir, err3 := durable.Open(filepath.Join(tmp, "state"))
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	defer client.CloseIdle()

	ctx := context.Background()
	_, err := durable.Run(ctx, durable.Job[Ticket]{
		Name:     "tickets",
		Source:   parquet.Source[Ticket](in),
		Key:      func(t Ticket) string { return t.ID },
		Prompt:   func(t Ticket) (llm.Chat, error) { return llm.Ask(t.Text), nil },
		Provider: client,
		Model:    "gpt-5.4-mini",
		Poll:     10 * time.Millisecond, // a real provider takes minutes or hours
		Dir:      dir,                   // which keeps the results; an Output is not needed
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}

	a, err := archive.Open(dir, "tickets")
	if err != nil {
		panic(err)
	}
	defer a.Close()
	rows, err := parquet.WriteResults(ctx, a, archive.Query{Ordered: true, Codec: client.Info().Codec}, out)
	fmt.Println(rows, "rows", err)

	for r, err := range parquet.Source[parquet.Record](out).Items() {
		fmt.Printf("%s %s %q %v\n", r.ID, r.Status, r.Text, err)
	}
	// Output:
	// 3 rows <nil>
	// T-1 succeeded "shipping: Where is my parcel?" <nil>
	// T-2 succeeded "billing: I was charged twice." <nil>
	// T-3 failed "" <nil>
}

// Only two columns of a file are read. The others may be of any kind.
func ExampleSource() {
	in, remove := exampleFile()
	defer remove()
	type Ticket struct {
		ID   string `parquet:"id"`
		Text string `parquet:"text,optional"` // may be null, or absent
	}
	tickets := parquet.Source[Ticket](in)
	for t, err := range tickets.Items() {
		_, row := tickets.Position()
		fmt.Println(row, t.ID, t.Text, err)
	}
	// Output:
	// 1 a Where is my parcel? <nil>
	// 2 b  <nil>
}

// Rows come as JSON if no struct is wanted.
func ExampleRows() {
	in, remove := exampleFile()
	defer remove()
	for row, err := range parquet.Rows(in).Items() {
		fmt.Println(row.Line, string(row.JSON), err)
	}
	// Output:
	// 1 {"id":"a","text":"Where is my parcel?","price":12.50} <nil>
	// 2 {"id":"b","text":null,"price":0.00} <nil>
}

func exampleFile() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "parquet")
	if err != nil {
		panic(err)
	}
	type order struct {
		ID    string `parquet:"id"`
		Text  string `parquet:"text,optional"`
		Price int64  `parquet:"price,decimal(2:18)"`
	}
	path = filepath.Join(dir, "orders.parquet")
	if err := pq.WriteFile(path, []order{{"a", "Where is my parcel?", 1250}, {"b", "", 0}}); err != nil {
		panic(err)
	}
	return path, func() { _ = os.RemoveAll(dir) }
}
