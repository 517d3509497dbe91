// Package apitest writes the lists of modes and strategies as messages have them, for
// tests that are about something else.
package apitest

import (
	"slices"
	"strings"

	"github.com/netmode-io/netmode/pkg/api"
)

// SupportedModes ends a message about a mode that is none.
func SupportedModes() string { return supported(api.Modes()) }

// SupportedStrategies ends a message about a search rewrite that is none.
func SupportedStrategies() string { return supported(api.SearchRewrites()) }

// AnyMode names the modes that satisfy a policy's requireMode.
func AnyMode() string {
	modes := slices.DeleteFunc(api.Modes(), func(m api.Mode) bool { return m == api.ModeDefault })
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = string(m)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func supported[T ~string](values []T) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = `"` + string(v) + `"`
	}
	return "supported values: " + strings.Join(quoted, ", ")
}
