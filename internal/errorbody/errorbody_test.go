package errorbody_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/balerhq/baler/internal/errorbody"
)

func TestBodiesOfEveryShape(t *testing.T) {
	for raw, want := range map[string]errorbody.Body{
		`{"error":{"message":"m","type":"t","param":"p","code":"c"},"request_id":"r"}`: {Message: "m", Type: "t", Param: "p", Code: "c", RequestID: "r"},
		`{"error":{"message":"m","code":429,"status":"s"}}`:                            {Message: "m", Status: "s"},
		`[{"error":{"message":"m"}},{"error":{"message":"other"}}]`:                    {Message: "m"},
		`{"error":{"message":{"detail":"m"},"type":7,"code":"c"}}`:                     {Message: `{"detail":"m"}`, Code: "c"},
		`{"error":null,"message":"m","code":"c"}`:                                      {Message: "m", Code: "c"},
		`{"error":"m","code":"not the error's"}`:                                       {Message: "m"},
		`{"detail":[{"msg":"m"}]}`:                                                     {Message: "m"},
		`{"detail":[{"loc":["body","requests",0,"custom_id"],"msg":"too short","type":"string_too_short","input":"secret"},{"msg":"n"}]}`: {
			Message: "body.requests.0.custom_id: too short; n", Param: "body.requests.0.custom_id", Type: "string_too_short",
		},
		`{"detail":[{"msg":"a"},{"msg":"b"},{"msg":"c"},{"msg":"d"}]}`: {Message: "a; b; c; and more"},
		`{"object":"error","message":{"detail":[{"type":"missing","loc":["messages"],"msg":"Field required","input":{"a":"secret"}}]},"type":"invalid_request_error","code":null}`: {
			Message: "messages: Field required", Type: "invalid_request_error",
		},
		`{"detail":"Not found"}`:             {Message: "Not found"},
		`{"detail":["a"]}`:                   {Message: `["a"]`},
		`{"detail":[{"reason":1}]}`:          {Message: `[{"reason":1}]`},
		`{"error":{"message":"a\nb\u001b"}}`: {Message: `a b\x1b`},
		`<html>`:                             {},
		`{"error":{"message":`:               {},
		`[]`:                                 {},
		``:                                   {},
	} {
		if diff := cmp.Diff(want, errorbody.Read([]byte(raw)), cmpopts.IgnoreFields(errorbody.Body{}, "Details")); diff != "" {
			t.Errorf("%s: -want +got:\n%s", raw, diff)
		}
	}
	long := errorbody.Read([]byte(`{"error":{"message":"` + strings.Repeat("é", 1<<20) + `"}}`))
	if n := len(long.Message); n == 0 || n > 4<<10 {
		t.Errorf("a message of %d bytes", n)
	}
}

func TestWordIsTheMostExact(t *testing.T) {
	for raw, want := range map[string]string{
		`{"code":"c","status":"s","type":"t","details":{"error_code":"d"}}`: "d",
		`{"code":"c","status":"s","type":"t","details":{"error_code":7}}`:   "c",
		`{"code":"c","type":"t","details":[{"reason":"r"}]}`:                "c",
		`{"code":7,"status":"s","type":"t","details":null}`:                 "s",
		`{"type":"t"}`: "t",
		`{}`:           "",
	} {
		b := errorbody.Read([]byte(raw))
		if got := b.Word(); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func TestTypedDetails(t *testing.T) {
	for details, want := range map[string]time.Duration{
		`[{"reason":"r"},{"retryDelay":"3.5s"},{"retryDelay":"1s"}]`: 3500 * time.Millisecond,
		`[{"retryDelay":"-1s"},{"retryDelay":"soon"}]`:               0,
		`[{"retryDelay":7}]`:  0,
		`{"retryDelay":"1s"}`: 0,
		`null`:                0,
	} {
		b := errorbody.Read([]byte(`{"error":{"details":` + details + `}}`))
		if got := b.RetryDelay(); got != want {
			t.Errorf("%s: %s, want %s", details, got, want)
		}
	}
	b := errorbody.Read([]byte(`{"error":{"details":[{"@type":"t"},{"reason":"r"}]}}`))
	if diff := cmp.Diff([]errorbody.Detail{{}, {Reason: "r"}}, b.TypedDetails()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
