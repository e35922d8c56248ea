// Package schema has what structured answers need: the JSON Schema of a Go
// type, the form of a schema that a provider takes, and a check of each answer
// against the schema as it was given.
//
// The providers take different parts of JSON Schema. [Dialect.Lower] writes a
// schema for one of them. What that one cannot express moves into a description
// for the model to read, and the check of the answer still goes by it.
package schema
