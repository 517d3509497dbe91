// Package api is netmode's vocabulary: the annotations and labels that people
// write, the values that they may hold, and the parts of a Pod, a Service and
// a Namespace that a decision reads.
//
// The package is pure: no I/O, no clock, no client.
//
// +kubebuilder:validation:Optional
package api
