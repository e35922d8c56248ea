package simulator_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/balerhq/baler/sink/simulator"
)

func ExampleStart() {
	srv, err := simulator.Start("", simulator.Config{Keys: []string{"sk-test"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	resp, err := http.Get(srv.URL + "/v1/batches")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	fmt.Printf("%s %v\n%s", resp.Status, err, answer)
	// Output:
	// 401 Unauthorized <nil>
	// {"error":{"code":null,"message":"You didn't provide an API key in an Authorization header using Bearer auth.","param":null,"type":"invalid_request_error"}}
}

// The third creation of a batch succeeds, but the client does not hear of it;
// then two polls in ten fail as if a proxy had given up.
func ExampleSimulator_SetFaults() {
	srv, err := simulator.Start("", simulator.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	err = srv.SetFaults(
		simulator.Fault{Route: "POST /v1/batches", From: 3, Action: simulator.ActionResetAfter},
		simulator.Fault{Route: "GET /v1/batches/{id}", Probability: 0.2, Action: simulator.ActionFail, Status: 502},
	)
	fmt.Println(err)
	err = srv.SetFaults(simulator.Fault{Route: "POST /v1/batch", Action: simulator.ActionReset})
	fmt.Println(err)
	// Output:
	// <nil>
	// simulator: fault 0: field Route is none that the simulator serves: "POST /v1/batch"
}

// An Answer of one's own decides what becomes of every row.
func ExampleConfig() {
	cfg := simulator.Config{
		Answer: func(r simulator.Row) simulator.Reply {
			if strings.Contains(r.Prompt(), "lawyer") {
				return simulator.Reply{Refusal: "I cannot give legal advice."}
			}
			return simulator.Echo(r)
		},
	}
	for _, prompt := range []string{"My parcel is lost", "I need a lawyer"} {
		reply := cfg.Answer(simulator.Row{Body: []byte(`{"input":"` + prompt + `"}`)})
		fmt.Printf("text %q, refusal %q\n", reply.Text, reply.Refusal)
	}
	// Output:
	// text "shipping: My parcel is lost", refusal ""
	// text "", refusal "I cannot give legal advice."
}

// An item that was sent twice, under two tags, was paid for once.
func ExampleTally() {
	ledger := func(yield func(simulator.Execution, error) bool) { // as from Simulator.Executions
		_ = yield(simulator.Execution{CustomID: "monday_item7", Status: 500}, nil) &&
			yield(simulator.Execution{CustomID: "tuesday_item7", Status: 200}, nil)
	}
	bills, err := simulator.Tally(ledger, simulator.AfterTag)
	fmt.Printf("%+v %v\n", bills["item7"], err)
	// Output:
	// {Executed:2 Billed:1} <nil>
}

func ExampleEcho() {
	for _, prompt := range []string{"I was charged twice for one order", "Where is it? [[timeout]]"} {
		reply := simulator.Echo(simulator.Row{Body: []byte(`{"messages":[{"role":"user","content":"` + prompt + `"}]}`)})
		if reply.Error != nil {
			fmt.Println("error:", reply.Error.Message)
			continue
		}
		fmt.Println(reply.Text)
	}
	// Output:
	// billing: I was charged twice for one order
	// error: The simulator was told to let this request time out.
}
