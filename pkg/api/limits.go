package api

// The most of a pod that netmode looks at: rules loop over them, here and in the
// API server, whose expressions are quadratic.
const (
	MaxContainers     = 100
	MaxInitContainers = 100
	// MaxPorts counts those of all containers and init containers.
	MaxPorts = 1000
	// MaxSearches is Kubernetes' own limit for dnsConfig.searches.
	MaxSearches = 32
)
