//go:build unix

package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/balerhq/baler/internal/chaos/provider"
	"github.com/balerhq/baler/internal/memtemp"
)

var replay = flag.String("chaos.world", "", "seed of the one world that the test tries, as it prints it")

func TestMain(m *testing.M) {
	if playProvider() {
		return
	}
	memtemp.Use()
	os.Exit(m.Run())
}

// A small world of each protocol, of those of make chaos, without what takes
// minutes.
func TestWorlds(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	s := soak{dir: t.TempDir(), small: true}
	if err := s.prepare(t.Context(), "all", "all,-row.vanished,-batch.vanished", false); err != nil {
		t.Fatal(err)
	}
	seeds := map[string]uint64{provider.OpenAI: 3, provider.Anthropic: 8} // others are for make chaos, which draws them
	if *replay != "" {
		seed, err := strconv.ParseUint(*replay, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = map[string]uint64{provider.OpenAI: seed, provider.Anthropic: seed}
	}
	for protocol, seed := range seeds {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			l, err := s.try(t.Context(), seed, protocol, 5, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(l.summary())
			if !l.found.none() {
				t.Errorf("%s\ntry it again with -chaos.world=%s\n%s", strings.Join(l.found.lines, "\n"), l.Seed, text(filepath.Join(l.dir, "incidents")))
			}
		})
	}
}
