//go:build race

package admission

// fewer divides what there is very much of.
const fewer = 8
