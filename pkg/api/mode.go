package api

import "slices"

// Mode is a network mode: how a pod gets its address and the names that
// others know it by.
//
// +kubebuilder:validation:Enum=default;hostnetwork;headless;statefulset-headless
type Mode string

// A ModeSet holds each mode at most once.
//
// +kubebuilder:validation:MaxItems=4
type ModeSet []Mode

// The modes.
const (
	// ModeDefault leaves an object as Kubernetes would run it, and opts out of
	// what would be inherited.
	ModeDefault Mode = "default"
	// ModeHostNetwork puts a pod on its node's network and keeps cluster DNS.
	ModeHostNetwork Mode = "hostnetwork"
	// ModeHeadless makes a Service resolve to its one pod, and the pod's
	// hostname equal to the Service's name.
	ModeHeadless Mode = "headless"
	// ModeStatefulSetHeadless lets the pods behind one headless Service resolve
	// each other by hostname alone.
	ModeStatefulSetHeadless Mode = "statefulset-headless"
)

// Modes returns every mode, in the order in which the documentation lists them.
func Modes() []Mode {
	return []Mode{ModeDefault, ModeHostNetwork, ModeHeadless, ModeStatefulSetHeadless}
}

// Valid reports whether m is one of Modes.
func (m Mode) Valid() bool { return slices.Contains(Modes(), m) }

// Headless reports whether m gives a Service no cluster IP.
func (m Mode) Headless() bool { return m == ModeHeadless || m == ModeStatefulSetHeadless }

// SearchRewrite is a strategy: how the peer domain gets into a pod's
// resolv.conf.
//
// +kubebuilder:validation:Enum=auto;prepend;append;init-container;post-start;none
type SearchRewrite string

// The search-rewrite strategies.
const (
	// SearchAuto is prepend where the cluster's DNS is known, else append.
	SearchAuto SearchRewrite = "auto"
	// SearchPrepend writes the pod's whole DNS configuration, the peer domain first.
	SearchPrepend SearchRewrite = "prepend"
	// SearchAppend adds the peer domain behind the searches that the pod has anyway.
	SearchAppend SearchRewrite = "append"
	// SearchInitContainer rewrites the pod's resolv.conf from an init container.
	SearchInitContainer SearchRewrite = "init-container"
	// SearchPostStart rewrites the pod's resolv.conf from postStart hooks.
	SearchPostStart SearchRewrite = "post-start"
	// SearchNone leaves resolv.conf alone.
	SearchNone SearchRewrite = "none"
)

// SearchRewrites returns every strategy, in the order in which the
// documentation lists them.
func SearchRewrites() []SearchRewrite {
	return []SearchRewrite{SearchAuto, SearchPrepend, SearchAppend, SearchInitContainer, SearchPostStart, SearchNone}
}
