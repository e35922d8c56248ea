package archive_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// The results of a run are read again, in the order of its input.
func Example() {
	job, tearDown := setUp(simulator.Config{})
	defer tearDown()
	run(job)

	a, err := archive.Open(job.Dir, "questions")
	if err != nil {
		panic(err)
	}
	defer a.Close()
	for r, err := range a.Results(archive.Query{Ordered: true, Codec: job.Provider.Info().Codec}) {
		fmt.Printf("%d: %s, %q %v\n", r.Line, r.Status, r.Text, err)
	}
	// Output:
	// 1: succeeded, "shipping: Where is my parcel?" <nil>
	// 2: succeeded, "billing: I was charged twice." <nil>
	// 3: failed, "" <nil>
}

// Only what failed, and why.
func ExampleArchive_Results() {
	job, tearDown := setUp(simulator.Config{})
	defer tearDown()
	run(job)

	a, err := archive.Open(job.Dir, "questions")
	if err != nil {
		panic(err)
	}
	defer a.Close()
	for r, err := range a.Results(archive.Query{Status: durable.ItemFailed}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(r.ID, r.Error.Class, r.Error.Code)
	}
	// Output: [[400]] permanent invalid_value
}

// Results are followed while the run is under way: each look goes on after the
// cursor of the one before.
func ExampleArchive_Results_follow() {
	answer, settled := make(chan struct{}), make(chan struct{})
	job, tearDown := setUp(simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		if strings.Contains(r.Prompt(), "parcel") {
			<-answer // this one takes longer
		}
		return simulator.Echo(r)
	}})
	defer tearDown()
	job.Batch.MaxItems = 1
	var once sync.Once
	job.Progress = func(p durable.Progress) {
		if p.Settled() >= 2 {
			once.Do(func() { close(settled) })
		}
	}

	var after archive.Cursor
	look := func() {
		a, err := archive.Open(job.Dir, "questions")
		if err != nil {
			panic(err)
		}
		defer a.Close()
		n := 0
		for _, err := range a.Results(archive.Query{After: after}) {
			if err != nil {
				panic(err)
			}
			n++
		}
		after = a.End()
		fmt.Println("new results:", n)
	}

	ctx := context.Background()
	handle, err := durable.Start(ctx, job)
	if err != nil {
		panic(err)
	}
	<-settled
	look()
	close(answer)
	report, err := handle.Wait(ctx)
	look()
	fmt.Println(report.State, err)
	// Output:
	// new results: 2
	// new results: 1
	// completed <nil>
}

// The requests and the raw answers of a run become files, as the provider has
// them.
func ExampleArchive_Export() {
	job, tearDown := setUp(simulator.Config{})
	defer tearDown()
	run(job)

	dir, err := os.MkdirTemp("", "export")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	a, err := archive.Open(job.Dir, "questions")
	if err != nil {
		panic(err)
	}
	defer a.Close()
	manifest, err := a.Export(context.Background(), dir, archive.Format{Codec: job.Provider.Info().Codec, Row: openai.AppendRow})
	for _, b := range manifest.Batches {
		fmt.Println(b.Rows, "requests,", b.Answered, "answers", err)
	}
	// Output: 3 requests, 3 answers <nil>
}

// The files of runs that have ended are removed. Such a run is still completed.
func ExamplePrune() {
	job, tearDown := setUp(simulator.Config{})
	defer tearDown()
	run(job)

	pruned, err := archive.Prune(context.Background(), job.Dir, archive.Retention{})
	for _, p := range pruned {
		fmt.Println(p.Name, p.Bytes > 0, p.Answers, err)
	}
	report, err := durable.Run(context.Background(), job)
	fmt.Println(report.State, report.Succeeded, err)
	// Output:
	// questions true 2 <nil>
	// completed 2 <nil>
}
