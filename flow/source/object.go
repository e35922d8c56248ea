package source

import (
	"fmt"
	"unicode/utf8"

	"github.com/balerhq/baler/internal/quote"
)

// heads returns what stands before each value of an object, nil for one that is
// left out.
func heads(names []string) [][]byte {
	all := make([][]byte, len(names))
	first := byte('{')
	for i, name := range names {
		if name == "" {
			continue
		}
		all[i] = append(quote.Append([]byte{first}, name), ':')
		first = ','
	}
	return all
}

// object writes a record as a JSON object, valid until the next call.
func (c *csvReader) object(record []string) ([]byte, error) {
	c.json = c.json[:0]
	for i, value := range record {
		if c.heads[i] == nil {
			continue
		}
		value = showQuotes(value)
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("field %q is not valid UTF-8: save the file as UTF-8", c.names[i])
		}
		c.json = quote.Append(append(c.json, c.heads[i]...), value)
	}
	c.json = append(c.json, '}')
	return c.json, nil
}
