package document

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/llm"
)

// Tokens estimates how many tokens a file is for a provider with these limits,
// and four bytes a token where they do not say.
func (i Info) Tokens(l *llm.FileLimits) int {
	switch {
	case i.Type == PDF && i.Pages > 0:
		return i.Pages * max(l.PageTokens, defaultPageTokens)
	case i.Type == PDF:
		return i.Bytes / 100
	case i.IsImage() && l.ImageTokens != nil:
		return l.ImageTokens(i.Width, i.Height)
	case i.IsImage():
		return i.Width * i.Height / 750
	}
	return i.Bytes / 4
}

// defaultPageTokens is what a page is taken for at a provider that is not
// known.
const defaultPageTokens = 250

// Encoded returns how many bytes the file has in a request.
func (i Info) Encoded() int {
	if i.Type == Text {
		return i.Bytes
	}
	return base64.StdEncoding.EncodedLen(i.Bytes)
}

// Check returns an error if a provider with these limits does not take the
// files in one request. The request refers to those for which stored is true,
// and has the others itself; nil is the same as false for all.
func Check(files []Info, l *llm.FileLimits, stored func(*Info) bool) error {
	pages, bytes := 0, int64(0)
	for _, f := range files {
		if len(l.Types) > 0 && !slices.Contains(l.Types, f.Type) {
			return fmt.Errorf("%s is %s, which the provider does not take: it takes %s", quoted(f.Name), f.Type, strings.Join(l.Types, ", "))
		}
		if f.Encrypted && l.Plain {
			return fmt.Errorf("%s is encrypted, which the provider does not take: save it without protection", quoted(f.Name))
		}
		switch isStored := l.StoredBytes > 0 && stored != nil && stored(&f); {
		case isStored && int64(f.Bytes) > l.StoredBytes:
			return fmt.Errorf("%s has %d bytes, and the provider takes %d of a file that it has stored", quoted(f.Name), f.Bytes, l.StoredBytes)
		case !isStored:
			bytes += int64(f.Encoded())
		}
		if l.Bytes > 0 && bytes > l.Bytes {
			return fmt.Errorf("%s: the files of the request have %d bytes as they are sent, and the provider takes %d", quoted(f.Name), bytes, l.Bytes)
		}
		if pages += f.Pages; l.Pages > 0 && pages > l.Pages {
			return fmt.Errorf("%s: the PDFs of the request have %d pages, and the model takes %d: divide them", quoted(f.Name), pages, l.Pages)
		}
	}
	return nil
}
