package doctor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/flow/durable/doctor"
)

// What a state directory holds, and whether all of it fits together.
func ExampleExamine() {
	dir, tearDown := completedRun()
	defer tearDown()

	health, err := doctor.Examine(context.Background(), dir)
	if err != nil {
		panic(err)
	}
	for _, job := range health.Jobs {
		fmt.Println(job.Name, job.Succeeded, "of", job.Rows)
	}
	fmt.Println("problems:", len(health.Problems))
	// Output:
	// questions 2 of 2
	// problems: 0
}

// The index is lost, and made again from the other files.
func ExampleRebuild() {
	dir, tearDown := completedRun()
	defer tearDown()
	if err := os.RemoveAll(filepath.Join(dir.Path(), "index")); err != nil {
		panic(err)
	}

	ctx := context.Background()
	health, err := doctor.Examine(ctx, dir)
	if err != nil {
		panic(err)
	}
	fmt.Println("problems:", len(health.Problems), "rebuild helps:", health.Needs(doctor.RepairIndex))
	if _, err := doctor.Rebuild(ctx, dir); err != nil {
		panic(err)
	}
	health, err = doctor.Examine(ctx, dir)
	fmt.Println("problems:", len(health.Problems), err)
	// Output:
	// problems: 1 rebuild helps: true
	// problems: 0 <nil>
}
