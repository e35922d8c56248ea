package openai_test

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
)

// The zero Client has no key: what needs one says so, and the rest works.
func TestAZeroClientNamesItsConstructor(t *testing.T) {
	c := new(openai.Client)
	ctx, h := t.Context(), sink.Handle{Batch: "b", File: "f"}
	none := func(func(sink.Row, error) bool) {}
	_, upload := c.Upload(ctx, sink.Spec{Tag: "t"}, none)
	_, create := c.Create(ctx, sink.Spec{Tag: "t"}, "f", none)
	_, find := c.Find(ctx, "t", time.Now())
	_, status := c.Status(ctx, h)
	errs := map[string]error{
		"Check": c.Check(ctx), "Upload": upload, "Create": create, "Find": find, "Status": status,
		"Cancel": c.Cancel(ctx, h), "Remove": c.Remove(ctx, h),
	}
	for _, errs["Results"] = range c.Results(ctx, h) {
		break
	}
	for _, errs["List"] = range c.List(ctx, time.Now()) {
		break
	}
	for _, errs["Files"] = range c.Files(ctx) {
		break
	}
	for method, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "make it with New") {
			t.Errorf("%s: %v", method, err)
		}
	}
	c.CloseIdle()
	if _, known := c.Clock(); known || c.Info().Origin != "" {
		t.Errorf("it knows the time: %v, and a host: %+v", known, c.Info())
	}
	codec := c.Info().Codec
	if body, err := codec.Encode("m", llm.Ask("hi")); err != nil || !strings.Contains(string(body), "hi") || codec.Endpoint() == "" {
		t.Errorf("%s for %q, %v", body, codec.Endpoint(), err)
	}
}
