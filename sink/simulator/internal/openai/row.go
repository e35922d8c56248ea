package openai

import "github.com/balerhq/baler/sink/simulator/internal/scan"

// row is one parsed line of a batch input file. Its fields are the raw JSON of
// the members, nil for those that are absent.
type row struct {
	customID, method, url, body []byte
}

// parseRow takes a line apart. It reports false if the line is not a JSON
// object.
func parseRow(line []byte) (r row, valid bool) {
	valid = scan.Members(line, func(key, value []byte) {
		switch string(key) {
		case "custom_id":
			r.customID = value
		case "method":
			r.method = value
		case "url":
			r.url = value
		case "body":
			r.body = value
		}
	})
	return r, valid
}
