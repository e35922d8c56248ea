package gemini

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// EmbedEndpoint is the path of requests for embeddings. The Codec does not
// write them. The model is in the path.
const EmbedEndpoint = "/v1beta/models/{model}:embedContent"

// version is where the API is below its host.
const version = "/v1beta/"

// batchMethods are the methods that create batches, by those that rows call.
var batchMethods = map[string]string{
	"generateContent": "batchGenerateContent",
	"embedContent":    "asyncBatchEmbedContent",
}

// streamVerb is the method that answers piece by piece.
const streamVerb = "streamGenerateContent"

// creationPath returns the path of the request that creates a batch. Its error
// is Permanent: no batch has rows of that endpoint, or nobody names a model.
func creationPath(spec sink.Spec) (string, error) {
	resource, verb := cutVerb(spec.Endpoint)
	method, isKnown := batchMethods[verb]
	if !isKnown {
		return "", retry.Mark(fmt.Errorf("endpoint %q has no batches: choose %s or %s", spec.Endpoint, ContentEndpoint, EmbedEndpoint), retry.Permanent)
	}
	_, named, _ := strings.Cut(resource, "/models/")
	if named == "{model}" {
		named = ""
	}
	model := cmp.Or(spec.Model, named)
	if model == "" {
		return "", retry.Mark(errors.New("the batch names no model"), retry.Permanent)
	}
	if !strings.Contains(model, "/") {
		model = "models/" + model
	}
	segments := strings.Split(model, "/")
	for i, s := range segments {
		if strings.Trim(s, ".") == "" {
			return "", retry.Mark(fmt.Errorf("model %q cannot be part of a path", model), retry.Permanent)
		}
		segments[i] = url.PathEscape(s)
	}
	return version + strings.Join(segments, "/") + ":" + method, nil
}

func cutVerb(endpoint string) (resource, verb string) {
	if i := strings.LastIndexByte(endpoint, ':'); i >= 0 {
		return endpoint[:i], endpoint[i+1:]
	}
	return endpoint, ""
}

// path is where a resource is. Its name may have the collection in it or not.
func path(collection, name string) string {
	return version + collection + "/" + url.PathEscape(strings.TrimPrefix(name, collection+"/"))
}

func batchPath(name string) string { return path("batches", name) }

func filePath(name string) string { return path("files", name) }
