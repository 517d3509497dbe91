package api

// Prefix begins every annotation and label key that belongs to netmode.
const Prefix = "netmode.io/"

// Annotations that an author writes on a Pod (through its template), a Service or a workload.
const (
	// AnnotationMode asks for a network mode; see Modes.
	AnnotationMode = Prefix + "mode"
	// AnnotationService names the governing Service of a headless pod.
	AnnotationService = Prefix + "service"
	// AnnotationSearchRewrite says how the peer domain gets into resolv.conf; see SearchRewrites.
	AnnotationSearchRewrite = Prefix + "search-rewrite"
	// AnnotationHostname says where a pod's hostname comes from; see HostnameSources.
	AnnotationHostname = Prefix + "hostname"
	// AnnotationPeers names more Services whose pods the pod calls by short name.
	AnnotationPeers = Prefix + "peers"
	// AnnotationWait holds the pod's containers back until names resolve; see Wait.
	AnnotationWait = Prefix + "wait"
	// AnnotationWaitTimeout is how long that may take, in Go's words: 5m.
	AnnotationWaitTimeout = Prefix + "wait-timeout"
	// AnnotationPublishNotReadyAddresses is "true" or "false", for headless Services.
	AnnotationPublishNotReadyAddresses = Prefix + "publish-not-ready-addresses"
)

// Annotations that netmode writes. They never count as an author's wish.
const (
	// AnnotationStatus says, in compact JSON, what netmode changed and why.
	AnnotationStatus = Prefix + "status"
	// AnnotationCopied lists the keys that netmode copied to a pod template.
	AnnotationCopied = Prefix + "copied"
)

// Labels that netmode reads.
const (
	// LabelIgnore with the value "true" keeps netmode from mutating the object.
	LabelIgnore = Prefix + "ignore"
	// LabelMode on a Namespace is the mode that its pods inherit.
	LabelMode = Prefix + "mode"
	// LabelPodSecurityEnforce is the PodSecurity level that a namespace enforces (KEP-2579).
	LabelPodSecurityEnforce = "pod-security.kubernetes.io/enforce"
)

// LabelCompletionIndex is on the pods of an Indexed Job (batch/v1).
const LabelCompletionIndex = "batch.kubernetes.io/job-completion-index"

// EnvHostname is, in each container of a pod with names on the host network, the pod's
// hostname: hostname(1) is the node's there.
const EnvHostname = "NETMODE_HOSTNAME"

// AnnotationMirror marks the API server's copy of a static pod; the kubelet owns it.
const AnnotationMirror = "kubernetes.io/config.mirror"

// GroupNodes is the group of every kubelet (k8s.io/apiserver/pkg/authentication/user).
const GroupNodes = "system:nodes"

// AuthorAnnotations returns the annotation keys that an author may write, in
// the order in which the documentation lists them.
func AuthorAnnotations() []string {
	return []string{
		AnnotationMode,
		AnnotationService,
		AnnotationSearchRewrite,
		AnnotationHostname,
		AnnotationPeers,
		AnnotationWait,
		AnnotationWaitTimeout,
		AnnotationPublishNotReadyAddresses,
	}
}
