package llm

import (
	"net/url"
	pathpkg "path"
	"strings"
)

// File is an image or a document: its bytes, or where they are. One of Data,
// URL, ID and Path is set.
type File struct {
	Name string `json:"name,omitempty"` // sent with documents, where the provider takes it
	Type string `json:"type,omitempty"` // media type, such as "image/png"
	Data []byte `json:"data,omitempty"`
	URL  string `json:"url,omitempty"`
	ID   string `json:"id,omitempty"` // the provider's, of a file that is there
	// Path is that of a local file. A durable job reads it once, with the item,
	// and so does document.Load. A Codec does not take it.
	Path string `json:"path,omitempty"`
	// Kept is the digest of Data that a durable job keeps apart. It is the
	// job's own: leave it empty.
	Kept string `json:"kept,omitempty"`
}

// FromPath returns the part that a local file makes. See File.Path.
func FromPath(path string) Part { return Part{File: &File{Path: path}} }

// FromBytes returns the part that the bytes of a file make. Its type is found
// by the content. See Part.File.
func FromBytes(name string, data []byte) Part { return Part{File: &File{Name: name, Data: data}} }

// FromURL returns the part that a file on the web makes, which the provider
// fetches. Whether it is an image or a document, and its type, follow from how
// its path ends: it is a document if that says nothing.
func FromURL(address string) Part {
	path := address
	if u, err := url.Parse(address); err == nil {
		path = u.Path
	}
	file := &File{URL: address, Type: types[strings.ToLower(pathpkg.Ext(path))]}
	if strings.HasPrefix(file.Type, "image/") {
		return Part{Image: file}
	}
	return Part{Document: file}
}

// types are the media types of files that providers take, by the endings of
// their names.
var types = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".heic": "image/heic", ".heif": "image/heif", ".pdf": "application/pdf", ".txt": "text/plain",
}

// FileLimits are what a provider takes of the files in one request. The zero
// value of a field means that no bound is known.
type FileLimits struct {
	Types []string // media types
	Bytes int64    // of all files in base64
	// StoredBytes is what a file may have that the provider has stored and the
	// request refers to. Such a file does not count for Bytes. Zero means that
	// it counts like one in the request.
	StoredBytes int64
	Pages       int // of all PDFs together
	// Plain is true if PDFs must not be encrypted.
	Plain bool
	// PageTokens is about how many tokens a page of a PDF is.
	PageTokens int
	// ImageTokens returns about how many tokens an image of so many pixels is.
	ImageTokens func(width, height int) int
}
