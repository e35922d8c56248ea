package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/simulator"
)

// A run that was interrupted goes on when it is run again, in this process or
// another. What was bought before is not bought again.
func ExampleRun_resume() {
	job, provider, tearDown := setUp(slowProvider)
	defer tearDown()

	ctx, interrupt := context.WithCancel(context.Background()) // as by signal.NotifyContext
	job.Progress = func(p durable.Progress) {
		if p.Batches > 0 { // one batch is bought
			interrupt()
		}
	}
	report, err := durable.Run(ctx, job)
	fmt.Println(report.State, report.Succeeded, err)

	if err := provider.Advance(2 * time.Hour); err != nil { // the batch ends meanwhile
		panic(err)
	}
	report, err = durable.Run(context.Background(), job)
	fmt.Println(report.State, report.Succeeded, err)
	fmt.Println(len(provider.Batches()), "batch")
	// Output:
	// stopped 0 context canceled
	// completed 3 <nil>
	// 1 batch
}

// A run is started in the background and waited for.
func ExampleStart() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()

	ctx := context.Background()
	run, err := durable.Start(ctx, job)
	if err != nil {
		panic(err)
	}
	report, err := run.Wait(ctx)
	fmt.Println(report.State, report.Succeeded, err)
	// Output: completed 3 <nil>
}

// Any process of the machine reaches a run by its state directory and its name.
func ExampleDir_Attach() {
	job, _, tearDown := setUp(slowProvider)
	defer tearDown()
	interruptOnceBought(job)

	run, err := job.Dir.Attach("tickets")
	if err != nil {
		panic(err)
	}
	status, err := run.Status()
	fmt.Println(status.State, status.Succeeded, "of", status.Rows, err)
	for _, batch := range status.Open {
		fmt.Println("a batch of", batch.Rows, "rows is open")
	}
	// Output:
	// stopped 0 of 3 <nil>
	// a batch of 3 rows is open
}

// A paused run buys nothing until it is resumed.
func ExampleHandle_Pause() {
	answer := make(chan struct{}) // the provider answers once it is closed
	job, _, tearDown := setUp(simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
		<-answer
		return simulator.Echo(r)
	}})
	defer tearDown()

	ctx := context.Background()
	run, err := durable.Start(ctx, job)
	if err != nil {
		panic(err)
	}
	err = run.Pause(ctx)
	status, _ := run.Status()
	fmt.Println(status.State, err)

	err = run.Resume(ctx)
	status, _ = run.Status()
	fmt.Println(status.State, err)

	close(answer)
	report, err := run.Wait(ctx)
	fmt.Println(report.State, report.Succeeded, err)
	// Output:
	// paused <nil>
	// running <nil>
	// completed 3 <nil>
}

// Cancel ends a run for good: its open batches are cancelled at the provider.
func ExampleHandle_Cancel() {
	job, _, tearDown := setUp(slowProvider)
	defer tearDown()

	ctx := context.Background()
	run, err := durable.Start(ctx, job)
	if err != nil {
		panic(err)
	}
	err = run.Cancel(ctx) // from here on nothing is bought
	fmt.Println(err)

	report, err := run.Wait(ctx)
	cancelled, _ := errors.AsType[*durable.CancelledError](err)
	fmt.Println(report.State, report.Succeeded, cancelled.Reason)
	// Output:
	// <nil>
	// cancelled 0 requested
}

// Progress gets the latest counts after each change, and the last ones before
// Run returns. If the function is slow, it gets fewer of those between.
func ExampleJob_progress() {
	job, _, tearDown := setUp(simulator.Config{})
	defer tearDown()

	var last durable.Progress
	job.Progress = func(p durable.Progress) { last = p }
	_, err := durable.Run(context.Background(), job)
	fmt.Println(last.State, last.Settled(), "of", last.Rows, err)
	// Output: completed 3 of 3 <nil>
}

// A function that is called with the progress may call the handle of the run.
func ExampleHandle_Cancel_progress() {
	job, _, tearDown := setUp(slowProvider)
	defer tearDown()

	ctx := context.Background()
	run, asked := make(chan *durable.Handle, 1), make(chan struct{})
	cancelOnce := sync.OnceFunc(func() {
		defer close(asked)
		if err := (<-run).Cancel(ctx); err != nil {
			panic(err)
		}
	})
	job.Progress = func(p durable.Progress) {
		if p.Batches > 0 { // more than one batch is too dear
			cancelOnce()
		}
	}
	h, err := durable.Start(ctx, job)
	if err != nil {
		panic(err)
	}
	run <- h
	report, _ := h.Wait(ctx)
	<-asked // before the state directory is removed
	fmt.Println(report.State, report.Batches)
	// Output: cancelled 1
}
