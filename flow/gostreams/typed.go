package gostreams

import (
	"fmt"
	"reflect"
)

// TypeError says that an item had another type than the typed side of an
// adapter takes.
type TypeError struct {
	Item any          // the item itself
	Want reflect.Type // the type of an item; a slice of them is taken, too
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("gostreams: item of type %T, want %v", e.Item, e.Want)
}

// appendTyped appends item, a T or a []T, to items.
func appendTyped[T any](items []T, item any) ([]T, error) {
	switch v := item.(type) {
	case []T: // first, for a T that is an interface
		return append(items, v...), nil
	case T:
		return append(items, v), nil
	default:
		return items, &TypeError{Item: item, Want: reflect.TypeFor[T]()}
	}
}
