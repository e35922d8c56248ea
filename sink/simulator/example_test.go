package simulator_test

import (
	"fmt"
	"io"

	"github.com/balerhq/baler/sink/simulator"
)

func ExampleStart() {
	srv, err := simulator.Start("", simulator.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = srv.Close() }()
	resp, err := srv.Client().Get(srv.URL + "/v1/batches")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	fmt.Printf("%s\n%s", resp.Status, answer)
	// Output:
	// 401 Unauthorized
	// {"error":{"code":null,"message":"You didn't provide an API key in an Authorization header using Bearer auth.","param":null,"type":"invalid_request_error"}}
}
