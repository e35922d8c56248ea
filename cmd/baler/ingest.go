package main

import (
	"fmt"

	"github.com/balerhq/baler/flow/durable"
)

// ingested tells how a run stands that has only read its input.
func (o *options) ingested(out *output, report durable.Report, err error) error {
	if err != nil {
		return o.explain(err, report)
	}
	if o.json {
		return o.summarize(out, report)
	}
	_, err = fmt.Fprintf(out.summary, "%s of %s read, %s dropped, and nothing is bought: "+
		"the same command without --ingest goes on\n", rowCount(report.Rows), o.input, counted(report.Duplicates, "duplicate", "duplicates"))
	return err
}
