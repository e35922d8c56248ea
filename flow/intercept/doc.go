// Package intercept turns the calls of ordinary SDKs into rows of batches. A
// program keeps its code, and pays the price of batches:
//
//	dir, err := durable.Open("calls.state")
//	...
//	calls, err := intercept.New(intercept.Config{Dir: dir, All: true})
//	...
//	defer calls.Close()
//	client := &http.Client{Transport: calls}
//
// The client goes into the SDK: openai.NewClient(option.WithHTTPClient(client)).
// Each call waits until its row is settled, and gets the provider's answer as
// if it had called it. So call from as many goroutines as there is work: 50
// calls, or those of two seconds, become a batch.
//
// Chats, responses, messages, embeddings and Gemini's content are recognized,
// by their path and host. Everything else passes through untouched, and so does
// what a batch cannot do: a call with beta headers, or in the background.
//
// # What a call is known by
//
// A call is known by who pays, the path, the version of the API and the body,
// however its members are ordered. A second one, such as the repetition of an
// SDK whose patience ended, or that of a program which was started again, waits
// for the same row or gets the same answer. Sample asks for another one. A
// caller that goes away cancels nothing. Calls of different keys share neither
// batches nor answers.
//
// What was asked and answered is in the Dir, so that a program which was killed
// pays for nothing twice. The keys are not: rows of a key that is not known
// wait until a call brings it.
//
// # For other languages
//
// Interceptor.Handler is the same as a proxy, which "baler serve" runs. It
// holds each connection in the way that its SDK bears for hours.
package intercept
