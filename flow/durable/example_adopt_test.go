package durable_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// The state directory is lost after the batches were bought. A new run of the
// same job adopts their answers and does not buy them again.
func ExampleDir_Adopt() {
	job, provider, tearDown := setUp(slowProvider)
	defer tearDown()
	interruptOnceBought(job)
	if err := provider.Advance(2 * time.Hour); err != nil { // the batch ends
		panic(err)
	}

	dir, err := os.MkdirTemp("", "new")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	job.Dir, err = durable.Open(filepath.Join(dir, "state"))
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	if _, err = durable.Ingest(ctx, job); err != nil { // reads the source, buys nothing
		panic(err)
	}
	since := time.Now().AddDate(0, 0, -1)
	orphans, err := job.Dir.Adopt(ctx, job.Provider, job.Name, since)
	for _, o := range orphans {
		fmt.Println("adopted", o.Adopted, "answers, lost", o.Lost.Total())
	}
	fmt.Println(err)

	report, err := durable.Run(ctx, job)
	fmt.Println(report.State, report.Succeeded, err)
	fmt.Println(len(provider.Batches()), "batch")
	// Output:
	// adopted 3 answers, lost 0
	// <nil>
	// completed 3 <nil>
	// 1 batch
}
