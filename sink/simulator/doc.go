// Package simulator plays batch providers, so that a client can be tested,
// shown and measured without a key, a network or a bill. It speaks the wire
// protocols of the providers that [Providers] names; official clients drive it
// unchanged.
//
//	srv, err := simulator.Start("", simulator.Config{})
//	...
//	defer srv.Close()
//	client, err := openai.New("sk-simulated", openai.Config{BaseURL: srv.URL + "/v1"})
//
// [Start] serves on loopback, [StartPipe] in memory for tests in a
// testing/synctest bubble, and a [Simulator] from [New] is an [http.Handler].
//
// # Time
//
// A batch takes no longer than its work, or as long as [Latency] says on a
// clock that runs at [Config].Speed and that [Simulator.Advance] moves. Rows
// are spread evenly over the time of processing. So a batch that is cancelled
// or expires has run exactly the rows that were due by then.
//
// # What goes wrong
//
// A [Fault] breaks requests: it fails, delays, loses, truncates or outdates the
// third creation, for example, or one in ten. [RowFaults] and the markers of
// [Echo] make rows fail, and [Config].Answer may decide every row by itself.
//
// # What happened
//
// [Simulator.Batches] lists every batch that was ever created.
// [Simulator.Executions] lists every row that the model got, and whether it was
// billed. [Simulator.Requests] lists every request. [Control] reads the same
// from another process, at these endpoints outside of any provider's paths:
//
//	GET  /_simulator/batches   JSON lines of Batch
//	GET  /_simulator/ledger    JSON lines of Execution
//	GET  /_simulator/requests  JSON lines of Request
//	PUT  /_simulator/faults    a JSON array of Fault replaces the faults
//	PUT  /_simulator/blocked   a JSON array of Block replaces the blocks
//	POST /_simulator/clock     {"advance": nanoseconds} moves the clock
//
// # State
//
// All state is in [Config].Dir. The simulator writes state there before it
// answers with it. A process may be killed at any moment; the next one on the
// same directory continues, on the same clock. It executes the rows of a
// running batch again from the first, in the same order, and writes the ledger
// of that batch anew, so that the ledger shows each row once. Nothing is synced
// to the disk: a power failure may lose state.
//
// # Providers
//
// One handler plays all providers, each under a prefix that is its name, such
// as /openai, and [Config].Provider also without one. [Server.BaseURL] is what
// a client of a provider wants. A [Fault] and the request log name a route as
// the provider does, but with the prefix if it is not the one without: "POST
// /v1/batches", "POST /mistral/v1/batch/jobs". What is under the prefix of the
// provider without one is the same route. [Config.Routes] lists all routes.
//
// What is particular to a provider is in a package below internal, behind the
// interface Protocol of internal/protocol: routes, validation, the objects that
// clients see, the format of rows, and errors. Clock, accounts, records,
// execution, faults, limits and ledger are here and shared. The documentation
// of internal/protocol says how to add a provider.
package simulator
