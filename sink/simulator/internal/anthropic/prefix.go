package anthropic

import (
	"slices"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
	"github.com/balerhq/baler/sink/simulator/internal/scan"
)

// Prefix implements [protocol.Prefixed]: Anthropic caches the tools, the
// instructions and the messages up to the last block that is marked.
func (p *params) Prefix() (marked protocol.Prefix) {
	text := append([]byte(nil), p.tools...)
	visit := func(content []byte) {
		if isBlocks := scan.Elements(content, func(block []byte) {
			text = append(text, block...)
			if mark := markOf(block); mark != nil {
				marked = protocol.Prefix{Text: slices.Clip(text), Marked: true, Hour: isHour(mark)}
			}
		}); !isBlocks {
			text = append(text, content...)
		}
	}
	visit(p.system)
	turns(p.messages, func(role string, content []byte) {
		text = append(text, role...)
		visit(content)
	})
	return marked
}

// markOf returns the mark of a block, nil if it has none.
func markOf(block []byte) (mark []byte) {
	scan.Members(block, func(key, value []byte) {
		if string(key) == "cache_control" {
			mark = value
		}
	})
	return mark
}

func isHour(mark []byte) (hour bool) {
	scan.Members(mark, func(key, value []byte) {
		if string(key) == "ttl" {
			ttl, _ := scan.Unquote(value)
			hour = ttl == "1h"
		}
	})
	return hour
}
