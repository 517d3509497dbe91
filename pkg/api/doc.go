// Package api is netmode's vocabulary: the annotations and labels that people
// write, the values that they may hold, and the parts of a Pod, a Service and
// a Namespace that a decision reads.
//
// Author's annotations become an [Intent] by [ParseAnnotations]. [Pod], [Service]
// and [Namespace] are views: they have Kubernetes' own names, and of its fields
// only those that decisions read. [Decode] makes one of an object's JSON, and
// whatever else stands there, of whatever type, is in nobody's way.
//
// The package is pure: no I/O, no clock, no client.
//
// +kubebuilder:validation:Optional
package api
