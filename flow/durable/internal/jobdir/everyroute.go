package jobdir

import "strings"

// RouteMark is between the key of an item and the name of a route in the key of
// a row that is asked there because all routes are.
const RouteMark = "@"

// KeyOn returns the key of the row that asks about an item on a route.
func KeyOn(item, route string) string { return item + RouteMark + route }

// ItemOf returns the key of the item of a row, "" unless the row is asked on a
// route because all routes are.
func (t Target) ItemOf(key string) string {
	if !t.Every {
		return ""
	}
	return strings.TrimSuffix(key, RouteMark+t.RouteKey)
}
