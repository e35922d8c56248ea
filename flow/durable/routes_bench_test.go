package durable

import (
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink/openai"
)

// BenchmarkRouting is what it costs to choose the route of a row.
func BenchmarkRouting(b *testing.B) {
	c, err := openai.New("sk-test", openai.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for name, choose := range map[string]router.Strategy[Waiting]{
		"first": nil, "weighted": router.Weighted[Waiting](), "table": router.ByTable(func(w Waiting) string { return w.RouteKey }, map[string]string{"legal": "c"}, "a"),
		"least loaded": router.LeastLoaded[Waiting](),
	} {
		b.Run(name, func(b *testing.B) {
			job := Job[string]{Choose: choose, Routes: []Route{{Name: "a", Provider: c, Model: "a", Weight: 3}, {Name: "b", Provider: c, Model: "b"}, {Name: "c", Provider: c, Model: "c"}}}
			config := job.config()
			t := newNumbering("targets", []jobdir.Target{{}, {RouteKey: "legal"}}, nil)
			l := newRoutes(&config, nil, nil, t)
			l.keep = func(int, jobdir.Route) error { return nil }
			entries := make([]jobdir.Entry, 1000)
			for i := range entries {
				entries[i].Target, entries[i].Ref.Len = uint16(i%2), 1000
			}
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(entries) {
				if err := l.choose(entries); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
