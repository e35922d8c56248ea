package simulator

// row is one parsed line of a batch input file. Its fields are the raw JSON of
// the members, nil for those that are absent.
type row struct {
	customID, method, url, body []byte
}

// parseRow takes a line apart. It reports false if the line is not a JSON
// object.
func parseRow(line []byte) (r row, valid bool) {
	valid = members(line, func(key, value []byte) {
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

// params are the members of a request body that the simulator looks at.
type params struct {
	model, stream, messages, input, prompt, format, encoding []byte
}

func parseParams(body []byte) (p params, valid bool) {
	valid = members(body, func(key, value []byte) {
		switch string(key) {
		case "model":
			p.model = value
		case "stream":
			p.stream = value
		case "messages":
			p.messages = value
		case "input":
			p.input = value
		case "prompt":
			p.prompt = value
		case "response_format", "text":
			p.format = value
		case "encoding_format":
			p.encoding = value
		}
	})
	return p, valid
}

// estimateTokens is the number of tokens of n bytes: four bytes make a token,
// which is close for English text.
func estimateTokens(n int) int64 { return int64(n+3) / 4 }
