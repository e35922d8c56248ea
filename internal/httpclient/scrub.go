package httpclient

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// minSecret is the shortest credential that is looked for in a reply. A shorter
// one would be found in ordinary words.
const minSecret = 8

// words is the beginning of an error body, without the credentials, which some
// servers and proxies echo.
func (c *Client) words(body io.Reader) []byte {
	text, _ := io.ReadAll(io.LimitReader(body, 2*maxError)) // what arrived is enough
	credentials := make(http.Header)
	c.auth(credentials)
	for _, values := range credentials {
		for _, value := range values {
			secret := value[strings.LastIndexByte(value, ' ')+1:] // after "Bearer"
			if len(secret) >= minSecret {
				text = bytes.ReplaceAll(text, []byte(secret), []byte("[redacted]"))
			}
		}
	}
	return text[:min(len(text), maxError)]
}
