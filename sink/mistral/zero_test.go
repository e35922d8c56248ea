package mistral_test

import (
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

// The zero Client has no key: what needs one says so.
func TestAZeroClientNamesItsConstructor(t *testing.T) {
	c := new(mistral.Client)
	ctx, h := t.Context(), sink.Handle{Batch: "b", File: "f"}
	none := func(func(sink.Row, error) bool) {}
	some := func(yield func(sink.Row, error) bool) { yield(sink.Row{ID: "a", Body: []byte(`{}`)}, nil) }
	_, upload := c.Upload(ctx, sink.Spec{Tag: "t"}, some)
	_, create := c.Create(ctx, sink.Spec{Tag: "t"}, "f", none)
	_, inline := c.Create(ctx, sink.Spec{Tag: "t"}, "", some)
	_, find := c.Find(ctx, "t", time.Now())
	_, status := c.Status(ctx, h)
	errs := map[string]error{
		"Check": c.Check(ctx), "Upload": upload, "Create": create, "Create inline": inline, "Find": find, "Status": status,
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
}
