package telemetry

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/balerhq/baler/flow/durable"
)

// The keys of attributes. Those of generative AI left the Go packages of
// OpenTelemetry's conventions, and are written out.
const (
	jobKey        = attribute.Key("baler.job")
	stateKey      = attribute.Key("baler.run.state")
	routeKey      = attribute.Key("baler.route")
	batchStateKey = attribute.Key("baler.batch.state")
	rowsStateKey  = attribute.Key("baler.rows.state")
	outcomeKey    = attribute.Key("baler.outcome")
	reasonKey     = attribute.Key("baler.flush.reason")
	noticeKey     = attribute.Key("baler.notice.kind")
	reuseKey      = attribute.Key("baler.reuse")
	errorKey      = attribute.Key("error.type")
	operationKey  = attribute.Key("gen_ai.operation.name")
	providerKey   = attribute.Key("gen_ai.provider.name")
	modelKey      = attribute.Key("gen_ai.request.model")
	tokenKey      = attribute.Key("gen_ai.token.type")
)

// operations are the names of operations, by what ends an endpoint.
var operations = []struct{ suffix, name string }{
	{"/embeddings", "embeddings"},
	{"/chat/completions", "chat"},
	{"/responses", "chat"},
	{"/messages", "chat"},
	{"/completions", "text_completion"},
	{":generateContent", "generate_content"},
	{":embedContent", "embeddings"},
}

// operationOf is the name of what an endpoint does.
func operationOf(endpoint string) string {
	for _, o := range operations {
		if strings.HasSuffix(endpoint, o.suffix) {
			return o.name
		}
	}
	return "batch"
}

// providers are the names of providers in the conventions, where they are not
// ours.
var providers = map[string]string{"gemini": "gcp.gemini", "mistral": "mistral_ai"}

func providerOf(name string) string {
	if known, ok := providers[name]; ok {
		return known
	}
	return name
}

// ofBatch has the attributes that say whose and what kind a batch is.
func ofBatch(job string, e *durable.BatchEvent) attribute.Set {
	all := []attribute.KeyValue{
		jobKey.String(job), operationKey.String(operationOf(e.Endpoint)), providerKey.String(providerOf(e.Provider)), modelKey.String(e.Model),
	}
	if e.Route != "" {
		all = append(all, routeKey.String(e.Route))
	}
	return attribute.NewSet(all...)
}
