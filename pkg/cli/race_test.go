//go:build race

package cli

// fewer divides what there is very much of.
const fewer = 2
