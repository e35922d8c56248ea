package schema

// Dialect is the part of JSON Schema that a provider takes.
type Dialect struct {
	name string
	// The assertions that the provider knows, beside those of the structure.
	// Others move into the description.
	assertions map[string]bool
	formats    map[string]bool // of strings

	closed      bool // every object lists all its members
	allRequired bool // a member that may be absent may be null instead
	typed       bool // every value has a type
	objectRoot  bool
	constant    bool // const is known
	tuples      bool // prefixItems is known
	plainEnum   bool // only strings and numbers
	shortItems  bool // minItems may be 0 or 1 alone
	cycles      cycles

	limits
}

// limits are what a provider counts. Zero means any number.
type limits struct {
	levels, manyLevels int // of objects in objects; manyLevels are worth a warning
	properties         int
	enums              int // values of all enums
	names              int // characters of names and of values of enums
	longEnum           int // values from which on the characters of an enum count
	longEnumChars      int
	optional           int // members that may be absent
	unions             int // values of several types
}

// cycles says which definitions may contain themselves.
type cycles int

const (
	anyCycle      cycles = iota
	optionalCycle        // through a member that may be absent
	noCycle
)

// The dialects. Mistral takes what OpenAI does.
var (
	OpenAI = &Dialect{
		name:       "OpenAI's strict mode",
		assertions: set("pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
		formats:    set("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"),
		closed:     true, allRequired: true, typed: true, objectRoot: true, constant: true,
		limits: limits{
			levels: 10, manyLevels: 5, properties: 5000, enums: 1000, names: 120_000, longEnum: 250, longEnumChars: 15_000,
		},
	}
	Mistral   = OpenAI.called("Mistral's strict mode")
	Anthropic = &Dialect{
		name:       "Anthropic",
		assertions: set("format", "minItems"),
		formats:    set("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"),
		closed:     true, shortItems: true, cycles: noCycle,
		limits: limits{optional: 24, unions: 16},
	}
	Gemini = &Dialect{
		name:       "Gemini",
		assertions: set("format", "minimum", "maximum", "minItems", "maxItems"),
		formats:    set("date-time", "time", "date"),
		tuples:     true, plainEnum: true, cycles: optionalCycle,
	}
)

func (d *Dialect) called(name string) *Dialect {
	c := *d
	c.name = name
	return &c
}

func set(names ...string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// annotations say something about a value and assert nothing. Those that are
// not kept are of no use to a model.
var annotations = set(
	"$schema", "$id", "$comment", "$anchor", "$vocabulary", "deprecated", "readOnly", "writeOnly", "contentSchema", "title", "description",
)

// hints are annotations that help a model, and that move into the description.
var hints = set("default", "examples", "contentEncoding", "contentMediaType")

// assertions are the keywords that a value has to meet, beside those of the
// structure: type, enum, const, properties, required, additionalProperties,
// items, prefixItems, anyOf, oneOf, allOf and $ref.
var assertions = set(
	"multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "format",
	"maxItems", "minItems", "uniqueItems", "contains", "minContains", "maxContains", "maxProperties", "minProperties",
	"dependentRequired", "dependentSchemas", "dependencies", "propertyNames", "patternProperties", "unevaluatedItems",
	"unevaluatedProperties", "additionalItems", "not", "if", "then", "else",
)

// typeOf is the type that a keyword is about.
var typeOf = map[string]string{
	"properties": "object", "required": "object", "additionalProperties": "object", "patternProperties": "object", "propertyNames": "object",
	"maxProperties": "object", "minProperties": "object", "dependentRequired": "object", "dependentSchemas": "object", "unevaluatedProperties": "object",
	"items": "array", "prefixItems": "array", "maxItems": "array", "minItems": "array", "uniqueItems": "array", "contains": "array",
	"minContains": "array", "maxContains": "array", "unevaluatedItems": "array", "additionalItems": "array",
	"maxLength": "string", "minLength": "string", "pattern": "string", "format": "string", "contentEncoding": "string", "contentMediaType": "string",
	"multipleOf": "number", "maximum": "number", "exclusiveMaximum": "number", "minimum": "number", "exclusiveMinimum": "number",
}
