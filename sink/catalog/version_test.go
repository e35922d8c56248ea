package catalog_test

import (
	"testing"

	"github.com/balerhq/baler/sink/catalog"
	rowbyrow "github.com/balerhq/baler/sink/live"
)

// The first version is what the Codec writes for, and each other one asks
// something else.
func TestVersionsOfAnAPI(t *testing.T) {
	for _, p := range catalog.All() {
		seen := map[int]bool{}
		for i, version := range p.Versions {
			codec, err := p.CodecOf(version)
			if err != nil || seen[codec.Revision()] || i == 0 && codec.Revision() != p.Codec.Revision() {
				t.Errorf("%s %s: %v", p.Name, version, err)
				continue
			}
			seen[codec.Revision()] = true
			client, err := p.Connect("none", catalog.Config{Version: version})
			if err != nil || client.Info().Codec.Revision() != codec.Revision() {
				t.Errorf("%s %s: another codec, %v", p.Name, version, err)
			}
		}
		_, batches := p.Connect("none", catalog.Config{Version: "1999"})
		_, calls := p.ConnectLive("none", catalog.Config{Version: "1999"}, rowbyrow.Config{})
		if _, codec := p.CodecOf("1999"); batches == nil || calls == nil || codec == nil {
			t.Errorf("%s: an unknown version: %v, %v, %v", p.Name, batches, calls, codec)
		}
	}
}
