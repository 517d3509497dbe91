package resolv

// Promise is how the API server sees that a strategy's rewrite is in place, in CEL:
// make generate writes it to deploy/kustomize/base/promises.yaml, whose variables it
// may use.
type Promise struct {
	// Variable is a CEL variable, and Found its value: whether the pod holds what the
	// strategy writes. A loop in it stands behind variables.small.
	Variable, Found string
	// Holds must be true for a pod that asks for the strategy; "": any strategy's
	// Variable.
	Holds string
}
