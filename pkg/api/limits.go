package api

// How much of an object netmode looks at. A mode serves no object that has more, so that a
// decision takes milliseconds whatever it is asked about. The conditions that the API server
// evaluates know the same numbers.
const (
	MaxContainers     = 100
	MaxInitContainers = 100
	// MaxPorts counts those of all containers and init containers.
	MaxPorts = 1000
	// MaxSearches is what Kubernetes allows in dnsConfig.searches.
	MaxSearches = 32
	// MaxExpressions is how many expressions are read of each term of a required node
	// affinity; more are not refused.
	MaxExpressions = 32
	// MaxCapabilities is how many capabilities are read of those that a container adds, more
	// than Linux has; more are not refused.
	MaxCapabilities = 64
	// MaxItems holds for every other list or map that a decision reads. Of annotations it
	// counts those that netmode reads.
	MaxItems = 1000
	// MaxText is the most bytes of a text that a decision uses, and the longest argument that
	// Linux gives a program (MAX_ARG_STRLEN).
	MaxText = 128 << 10
	// MaxAnnotations is how many annotations an object may have before it counts as one that
	// asks: more are not looked through by the API server.
	MaxAnnotations = 500
)
