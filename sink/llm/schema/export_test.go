package schema

// Valid reports whether a JSON text meets the schema as it is.
func (v *Validator) Valid(text string) bool {
	value, err := decode(text)
	return err == nil && v.schema.Validate(value) == nil
}
