// Package telemetry shows the runs of jobs to OpenTelemetry, as metrics and as
// spans. It reads what a job tells by its Observe and Progress:
//
//	t, err := telemetry.New(telemetry.Config{Meter: meter, Tracer: tracer})
//	...
//	telemetry.Attach(&job, t)
//	report, err := durable.Run(ctx, job)
//
// It uses the API of OpenTelemetry alone: the program brings the SDK, or none.
// A job that nothing is attached to pays nothing. No id, request or answer of a
// row is exported, nor anything that a provider says but its codes and the
// names of its batches.
//
// # Metrics
//
// All have the attribute "baler.job"; those of batches and rows have
// "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.operation.name" and,
// in a job with Routes, "baler.route".
//
//	gen_ai.client.operation.duration  histogram  s        from the creation of a batch to its end
//	gen_ai.client.token.usage         histogram  {token}  of a row, by "gen_ai.token.type"
//	baler.rows                        gauge      {row}    by "baler.rows.state": waiting, in_batch, succeeded, failed
//	baler.rows.read                   counter    {row}    distinct rows
//	baler.rows.results                counter    {row}    by "baler.outcome" and, of failed ones, "error.type"
//	baler.rows.retries                counter    {row}    attempts beyond the first of rows that have their result
//	baler.cost                        counter    {USD}    what settled rows have cost, as far as prices are known
//	baler.cost.reserved               gauge      {USD}    what open batches may yet cost
//	baler.budget.left                 gauge      {USD}    of a job with a Budget
//	baler.calls.reused                counter    {call}   that got an answer without a row of their own, by "baler.reuse": hit, shared
//	baler.calls.saved                 counter    {USD}    what these answers cost at the price for single requests
//	baler.batches                     gauge      {batch}  that are open, by "baler.batch.state"
//	baler.batches.bought              counter    {batch}
//	baler.batches.refused             counter    {batch}  times that the provider refused one
//	baler.batch.size                  histogram  {row}    by "baler.flush.reason"
//	baler.batch.limit                 gauge      {row}    that a batch might have had
//	baler.batch.fill                  histogram  1        share of its limits that a batch uses, by "baler.flush.reason"
//	baler.batch.state.duration        histogram  s        how long a batch was in a "baler.batch.state"
//	baler.route.usable                gauge      1        0 while a route is paused, down or blocked
//	baler.notices                     gauge      {notice} that are current, by "baler.notice.kind"
//
// How long a batch was sealed or uploaded is how long it waited for its turn:
// for a slot, for room at the provider, for the pace of creations.
//
// Counters of rows are of the process, and miss those whose events were left
// out because too many waited. The gauges, baler.rows.read, baler.cost and
// baler.calls are the job's own counts, with those of earlier processes.
//
// # Spans
//
// A run is a span, each of its routes is one below it, and each batch is one
// below its route, from when it was made until nothing is left to do. A span
// ends with the process at the latest. "baler.batch.state" is how far the batch
// has come. A batch that was refused and a run that has stopped are errors.
package telemetry
