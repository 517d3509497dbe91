package plan

import (
	"slices"

	"github.com/netmode-io/netmode/pkg/api"
)

// Reason is a word from one closed list. The same word stands in denials,
// warnings, audit annotations, the status annotation, logs, metrics and the
// CLI's output.
type Reason string

// The reasons. The table in reasons_table.go says what each means and how to
// cure it.
const (
	ModeDefault          Reason = "ModeDefault"
	ModeInherited        Reason = "ModeInherited"
	NothingAsked         Reason = "NothingAsked"
	NothingToChange      Reason = "NothingToChange"
	NotApplicable        Reason = "NotApplicable"
	NoLongerApplicable   Reason = "NoLongerApplicable"
	IgnoreLabel          Reason = "IgnoreLabel"
	ModeLabel            Reason = "ModeLabel"
	NamespaceAnnotation  Reason = "NamespaceAnnotation"
	IgnoreLabelValue     Reason = "IgnoreLabelValue"
	ExemptNamespace      Reason = "ExemptNamespace"
	MirrorPod            Reason = "MirrorPod"
	BeingDeleted         Reason = "BeingDeleted"
	UnsupportedOperation Reason = "UnsupportedOperation"
	UnsupportedKind      Reason = "UnsupportedKind"
	AnnotationInvalid    Reason = "AnnotationInvalid"
	AnnotationUnknown    Reason = "AnnotationUnknown"
	AnnotationUnused     Reason = "AnnotationUnused"
	AnnotationMisplaced  Reason = "AnnotationMisplaced"
	NotRendered          Reason = "NotRendered"
	APIVersionOld        Reason = "APIVersionOld"
	LabelInvalid         Reason = "LabelInvalid"
	NotAsPromised        Reason = "NotAsPromised"
	PodTooLarge          Reason = "PodTooLarge"
	StatusRemoved        Reason = "StatusRemoved"
	ServiceTooLarge      Reason = "ServiceTooLarge"
	FindingsCut          Reason = "FindingsCut"

	AnnotationCopied       Reason = "AnnotationCopied"
	CopyRemoved            Reason = "CopyRemoved"
	CopiedByOwner          Reason = "CopiedByOwner"
	CopiedAgain            Reason = "CopiedAgain"
	TemplateAnnotationWins Reason = "TemplateAnnotationWins"
	JobTemplateFixed       Reason = "JobTemplateFixed"
	RolloutHeld            Reason = "RolloutHeld"

	PolicyDefault              Reason = "PolicyDefault"
	PolicyModeNotAllowed       Reason = "PolicyModeNotAllowed"
	PolicyModeRequired         Reason = "PolicyModeRequired"
	PolicyHostNetworkUnmanaged Reason = "PolicyHostNetworkUnmanaged"
	PolicyPortsUndeclared      Reason = "PolicyPortsUndeclared"
	PolicyPortOutOfRange       Reason = "PolicyPortOutOfRange"
	PolicyNamespaceUnlabelled  Reason = "PolicyNamespaceUnlabelled"
	SystemCritical             Reason = "SystemCritical"

	HostNetworkSet        Reason = "HostNetworkSet"
	DNSPolicySet          Reason = "DNSPolicySet"
	DNSPolicyKept         Reason = "DNSPolicyKept"
	HostPortMismatch      Reason = "HostPortMismatch"
	HostPortConflict      Reason = "HostPortConflict"
	UserNamespace         Reason = "UserNamespace"
	HostnameOverride      Reason = "HostnameOverride"
	NetSysctl             Reason = "NetSysctl"
	MeshSidecar           Reason = "MeshSidecar"
	MeshInjection         Reason = "MeshInjection"
	InitContainerNetAdmin Reason = "InitContainerNetAdmin"
	WindowsPod            Reason = "WindowsPod"
	NoDeclaredPort        Reason = "NoDeclaredPort"
	HostPortsSurge        Reason = "HostPortsSurge"
	NodeHostname          Reason = "NodeHostname"
	PodSecurityRejects    Reason = "PodSecurityRejects"

	ClusterIPNoneSet          Reason = "ClusterIPNoneSet"
	ServiceTypeHasClusterIP   Reason = "ServiceTypeHasClusterIP"
	ClusterIPExplicit         Reason = "ClusterIPExplicit"
	ClusterIPStays            Reason = "ClusterIPStays"
	PortNotTranslated         Reason = "PortNotTranslated"
	SessionAffinityIgnored    Reason = "SessionAffinityIgnored"
	ExternalIPsIgnored        Reason = "ExternalIPsIgnored"
	ServiceWithoutSelector    Reason = "ServiceWithoutSelector"
	PublishNotReadySet        Reason = "PublishNotReadySet"
	PublishNotReadyKept       Reason = "PublishNotReadyKept"
	HostnameSet               Reason = "HostnameSet"
	HostnameKept              Reason = "HostnameKept"
	HostnameTaken             Reason = "HostnameTaken"
	HostnameInvalid           Reason = "HostnameInvalid"
	HostnameGenerated         Reason = "HostnameGenerated"
	HostnameNotGenerated      Reason = "HostnameNotGenerated"
	HostnameOfNode            Reason = "HostnameOfNode"
	HostnameNoNode            Reason = "HostnameNoNode"
	HostnameOfNodeInvalid     Reason = "HostnameOfNodeInvalid"
	HostnameOfNodeShared      Reason = "HostnameOfNodeShared"
	HostnameEnvSet            Reason = "HostnameEnvSet"
	HostnameEnvKept           Reason = "HostnameEnvKept"
	StatefulSetNameLong       Reason = "StatefulSetNameLong"
	HostnameIsFQDN            Reason = "HostnameIsFQDN"
	HostnameShared            Reason = "HostnameShared"
	HostnameSurge             Reason = "HostnameSurge"
	NoStableHostname          Reason = "NoStableHostname"
	PodHasOwnName             Reason = "PodHasOwnName"
	SubdomainSet              Reason = "SubdomainSet"
	SubdomainFixed            Reason = "SubdomainFixed"
	TemplateOverwritten       Reason = "TemplateOverwritten"
	HostNetworkInUse          Reason = "HostNetworkInUse"
	GoverningServiceNamed     Reason = "GoverningServiceNamed"
	GoverningServiceDerived   Reason = "GoverningServiceDerived"
	GoverningServiceConflict  Reason = "GoverningServiceConflict"
	GoverningServiceInvalid   Reason = "GoverningServiceInvalid"
	GoverningServiceUnknown   Reason = "GoverningServiceUnknown"
	GoverningServiceAmbiguous Reason = "GoverningServiceAmbiguous"
	GoverningServiceMissing   Reason = "GoverningServiceMissing"
	GoverningServiceClusterIP Reason = "GoverningServiceClusterIP"
	GoverningServiceType      Reason = "GoverningServiceType"
	GoverningServiceMismatch  Reason = "GoverningServiceMismatch"
	ReverseNames              Reason = "ReverseNames"

	SearchNone            Reason = "SearchNone"
	SearchInPlace         Reason = "SearchInPlace"
	SearchOtherDomain     Reason = "SearchOtherDomain"
	SearchPrepended       Reason = "SearchPrepended"
	SearchAppended        Reason = "SearchAppended"
	SearchByPolicy        Reason = "SearchByPolicy"
	ResolverOption        Reason = "ResolverOption"
	SearchExtra           Reason = "SearchExtra"
	SearchByInitContainer Reason = "SearchByInitContainer"
	SearchByPostStart     Reason = "SearchByPostStart"
	ClusterDNSKnown       Reason = "ClusterDNSKnown"
	ClusterDNSUnknown     Reason = "ClusterDNSUnknown"
	ClusterDomainAssumed  Reason = "ClusterDomainAssumed"
	DNSPolicyDefault      Reason = "DNSPolicyDefault"
	DNSPolicyOfNode       Reason = "DNSPolicyOfNode"
	PeersUnused           Reason = "PeersUnused"
	PeerMissing           Reason = "PeerMissing"
	PeersOnWindows        Reason = "PeersOnWindows"
	SearchLimit           Reason = "SearchLimit"
	SearchesCut           Reason = "SearchesCut"
	NameserversCut        Reason = "NameserversCut"
	SearchTooLongForMusl  Reason = "SearchTooLongForMusl"
	SearchNdots           Reason = "SearchNdots"
	PostStartNeedsShell   Reason = "PostStartNeedsShell"
	PostStartSkipped      Reason = "PostStartSkipped"
	PostStartImpossible   Reason = "PostStartImpossible"
	InitContainerRoot     Reason = "InitContainerRoot"
	InitContainerImage    Reason = "InitContainerImage"
	InitContainerName     Reason = "InitContainerName"

	WaitAdded        Reason = "WaitAdded"
	WaitInPlace      Reason = "WaitInPlace"
	WaitEachItself   Reason = "WaitEachItself"
	WaitAllCounted   Reason = "WaitAllCounted"
	WaitAllUnknown   Reason = "WaitAllUnknown"
	WaitParallelism  Reason = "WaitParallelism"
	WaitInOrder      Reason = "WaitInOrder"
	WaitNotPublished Reason = "WaitNotPublished"
	WaitForMore      Reason = "WaitForMore"
	WaitCostsRetries Reason = "WaitCostsRetries"
	WaitMeshDNS      Reason = "WaitMeshDNS"
)

// ReasonDoc explains a reason.
type ReasonDoc struct {
	Reason Reason
	// Sentence says what the reason means.
	Sentence string
	// Cure says what to do about it; empty where there is nothing to do. It
	// ends every refusal and warning that carries the reason.
	Cure string
}

// cure is the reason's cure for an object that may not have some modes.
func (r Reason) cure(notAllowed []api.Mode) string {
	if other, ok := otherCures[r]; ok && slices.Contains(notAllowed, other.mode) {
		return other.cure
	}
	return r.Doc().Cure
}

// Doc returns the explanation of r; the zero ReasonDoc for a word that is not
// in the list.
func (r Reason) Doc() ReasonDoc { return reasonIndex[r] }

// Reasons returns the whole list in the order of the documentation.
func Reasons() []ReasonDoc { return append([]ReasonDoc(nil), reasonTable...) }
