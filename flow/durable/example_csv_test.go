package durable_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// Results go to a CSV file, with a part of each item beside its answer.
func ExampleCSV() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()
	path := filepath.Join(job.Dir.Path(), "..", "results.csv")

	out, err := durable.CSV(path, durable.CSVColumns{Meta: []string{"question"}})
	if err != nil {
		panic(err)
	}
	job.Meta = func(t Ticket) any { return map[string]string{"question": t.Text} }
	job.Output = out
	_, err = durable.Run(context.Background(), job)
	fmt.Println(err, out.Close())

	results := string(must(os.ReadFile(path)))
	fmt.Println(strings.HasPrefix(results, "id,status,text,"), strings.Count(results, ",I was charged twice.\r\n"))
	// Output:
	// <nil> <nil>
	// true 1
}

// Each result goes to a file of its own.
func ExampleOpenFiles() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()
	path := filepath.Join(job.Dir.Path(), "..", "results")

	out, err := durable.OpenFiles(path)
	if err != nil {
		panic(err)
	}
	job.Output = out
	_, err = durable.Run(context.Background(), job)
	fmt.Println(err, out.Close())

	var r durable.Result
	err = json.Unmarshal(must(os.ReadFile(filepath.Join(path, durable.FileName("T-2")))), &r)
	fmt.Println(r.ID, r.Status, err)
	// Output:
	// <nil> <nil>
	// T-2 succeeded <nil>
}
