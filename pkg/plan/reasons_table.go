package plan

import "github.com/netmode-io/netmode/pkg/api"

// reasonTable is read-only: docs/reasons.md is generated from it.
var reasonTable = []ReasonDoc{
	{ModeDefault, "The mode is default, so the object stays as it is.", ""},
	{ModeInherited, "The pod has no mode of its own and takes the one that its namespace gives.", ""},
	{NothingAsked, "Nobody asked for a mode, so the object stays as it is.", ""},
	{NothingToChange, "The mode changes nothing on an object of this kind.", ""},
	{NotApplicable, "The mode is inherited and cannot serve this pod, so the pod stays as it is.", ""},
	{NoLongerApplicable, "The pod was given an inherited mode, and another webhook made it one that the mode cannot serve.", "keep that webhook from the pod, or set netmode.io/mode on the pod template to a mode that can serve it"},
	{IgnoreLabel, "The label netmode.io/ignore=true keeps netmode from changing the object.", ""},
	{ModeLabel, "The mode is asked for by a label, and only a Namespace's counts.", "write it as an annotation, netmode.io/mode"},
	{IgnoreLabelValue, "The label netmode.io/ignore has a value other than true or false, and counts as false.", `write netmode.io/ignore: "true" to be left alone, or remove the label`},
	{ExemptNamespace, "The namespace is never touched: kube-system, or netmode's own.", ""},
	{MirrorPod, "The pod mirrors a static pod, which belongs to its node's kubelet.", ""},
	{BeingDeleted, "The object is being deleted.", ""},
	{UnsupportedOperation, "netmode acts on the creation of Pods and Services, and on workloads.", ""},
	{UnsupportedKind, "netmode handles Pods, Services, Deployments, StatefulSets, DaemonSets, Jobs and CronJobs, not this kind.", ""},
	{AnnotationInvalid, "An annotation of netmode has a value that netmode does not know.", ""},
	{AnnotationUnknown, "A key under netmode.io/ is not one of netmode's, so it does nothing.", "correct the key or remove it"},
	{AnnotationUnused, "An annotation of netmode does nothing in this mode or on this kind of object.", "remove it, or choose the mode that it belongs to"},
	{LabelInvalid, "The namespace's label netmode.io/mode has a value that netmode does not know.", "correct the label of the namespace"},
	{NotAsPromised, "After all webhooks had been called, the object was not what its mode promises.", "another webhook asked for the mode after netmode had been called, or undid a change of netmode's: write the annotation in the pod template or the Service, or keep that webhook from this object"},

	{PodTooLarge, "The pod has more containers, ports or other items than netmode looks at.", "make it smaller"},
	{StatusRemoved, "The pod brought a status of netmode's, as a copy of a pod does, and has no mode.", ""},
	{ServiceTooLarge, "The Service has more ports, labels or other items than netmode looks at.", "make it smaller"},
	{FindingsCut, "There are more findings than the 50 that netmode tells of one object.", ""},

	{AnnotationCopied, "An annotation of the workload was copied to its pod template, so that its pods get what it asks for.", ""},
	{CopyRemoved, "An annotation that was copied to the pod template left it, because the workload has it no more.", ""},
	{CopiedByOwner, "The pod template comes from the workload's owner, together with what was copied there.", ""},
	{CopiedAgain, "The pod template came back with other annotations than were copied there, as after kubectl rollout undo of a StatefulSet or DaemonSet, and those of the workload count.", "to go back, change or remove the annotation of the workload itself"},
	{TemplateAnnotationWins, "The pod template has this annotation by itself, with another value than the workload, and the template's counts.", "remove one of the two, or make them equal"},
	{JobTemplateFixed, "Kubernetes lets nobody change the pod template of a Job that was started.", "delete the Job, and create it anew with the annotation"},
	{RolloutHeld, "The pod template changed, and the workload does not replace its pods by itself.", ""},

	{PolicyDefault, "The pod asks for no mode and takes the one that a NetworkModePolicy gives.", ""},
	{PolicyModeNotAllowed, "A NetworkModePolicy of the namespace does not allow this mode.", "set netmode.io/mode to one that it allows, or ask those who own the policy"},
	{PolicyModeRequired, "A NetworkModePolicy of the namespace requires a mode.", "set netmode.io/mode on the pod template"},
	{PolicyHostNetworkUnmanaged, "A NetworkModePolicy of the namespace does not allow the host network to pods without mode hostnetwork.", "remove hostNetwork"},
	{PolicyPortsUndeclared, "A NetworkModePolicy of the namespace requires that pods on the host network declare their ports.", "list every port that the pod listens on under containers[].ports"},
	{PolicyPortOutOfRange, "A NetworkModePolicy of the namespace allows only some ports of a node.", "choose a port of that range, and have the program listen on it where the pod is on the host network"},
	{PolicyNamespaceUnlabelled, "A NetworkModePolicy selects the namespace, and gives its pods no mode: it does so only where the namespace is labelled for it.", "label the namespace netmode.io/policy=enabled"},
	{SystemCritical, "The pod is of a system-critical priority class in a namespace of --system-namespaces, where policies let such pods pass: no rule keeps a node from coming back.", ""},

	{HostNetworkSet, "The pod uses its node's network: its IP address is the node's.", ""},
	{DNSPolicySet, "dnsPolicy is ClusterFirstWithHostNet, so that a pod on the host network still resolves Service names.", ""},
	{DNSPolicyKept, "dnsPolicy was chosen by a person and stays, so a pod on the host network may not resolve Service names.", "set dnsPolicy: ClusterFirstWithHostNet if the pod must resolve Service names"},
	{HostPortMismatch, "On the host network a container's hostPort and containerPort are one port, and they differ here.", "set hostPort to the containerPort, or leave hostPort out"},
	{HostPortConflict, "Two containers of the pod would listen on the same port of the node.", "give one of them another port"},
	{UserNamespace, "A pod in a user namespace (hostUsers: false) cannot use the host network.", "remove hostUsers: false, or choose another mode"},
	{HostnameOverride, "hostnameOverride replaces the names that this mode is about.", "remove hostnameOverride, or choose another mode"},
	{NetSysctl, "A net.* sysctl would change the node's own network, so Kubernetes refuses it on the host network.", "remove the sysctl and set it on the node, or choose another mode"},
	{MeshSidecar, "A service mesh's sidecar is in the pod; on the host network its iptables rules would be the node's.", "turn the mesh's injection off for this pod, or choose another mode"},
	{WindowsPod, "This mode works on Linux nodes only.", "remove the mode from pods for Windows"},
	{NoDeclaredPort, "No container declares a port, so the scheduler cannot keep two such pods off one node.", "list every port that the pod listens on under containers[].ports"},
	{HostPortsSurge, "A rolling update of pods on the host network needs a node without the old pod for each new one.", "set maxSurge: 0 with maxUnavailable: 1, or have more nodes than pods"},
	{NodeHostname, "hostname(1) inside a pod on the host network is the node's name.", ""},
	{PodSecurityRejects, "The namespace enforces a PodSecurity level that rejects the pod as this mode makes it.", "run the pod in a namespace whose PodSecurity level allows it, or choose another mode"},

	{ClusterIPNoneSet, "The Service is headless: its name resolves to its pods' own addresses.", ""},
	{ServiceTypeHasClusterIP, "A Service of this type needs a cluster IP, and a headless one has none.", "use type ClusterIP, and a second Service for access from outside"},
	{ClusterIPExplicit, "The Service asks for a cluster IP, and a headless one has none.", "remove clusterIP, or remove the mode"},
	{ClusterIPStays, "The Service has a cluster IP, and Kubernetes lets nobody take it away.", ""},
	{PortNotTranslated, "A headless Service does not translate ports: clients reach the pod's own port.", "make port equal to the port that the container listens on"},
	{SessionAffinityIgnored, "A headless Service ignores sessionAffinity.", "remove sessionAffinity"},
	{ExternalIPsIgnored, "A headless Service ignores externalIPs.", "remove externalIPs"},
	{ServiceWithoutSelector, "A Service without selector has no pods of its own, so no pod gets a name from it.", "add a selector that matches the pods"},
	{PublishNotReadySet, "publishNotReadyAddresses is what the mode or the annotation asks for: peers need each other before they are ready.", ""},
	{PublishNotReadyKept, "The annotation keeps addresses of pods that are not ready out of DNS.", ""},
	{HostnameSet, "The pod's hostname is the name that others know it by.", ""},
	{HostnameKept, "The pod has a hostname already, and it stays.", ""},
	{HostnameTaken, "The pod has a hostname that differs from its governing Service.", "remove hostname, or make it equal to the Service's name"},
	{HostnameInvalid, "A hostname must be a DNS label: lower-case letters, digits and '-', at most 63 characters.", "choose a shorter or simpler name"},
	{HostnameGenerated, "The pod gets a name and a hostname that are equal, made of its generateName.", ""},
	{HostnameNotGenerated, "A hostname is generated together with the pod's name, and this pod has a name.", "remove netmode.io/hostname: the name is the hostname"},
	{HostnameOfNode, "The pod's hostname is the name of the node that its DaemonSet makes it for.", ""},
	{HostnameNoNode, "Only the pods of a DaemonSet can have their nodes' names.", "remove netmode.io/hostname, or use a DaemonSet"},
	{StatefulSetNameLong, "The StatefulSet's name leaves no room for its revision in a label of its pods, so Kubernetes cannot make them.", "choose a name of at most 52 characters"},
	{HostnameIsFQDN, "setHostnameAsFQDN makes hostname(1) the full name, which is not the name that peers know.", "remove setHostnameAsFQDN"},
	{HostnameShared, "Several pods of this workload would have the same hostname.", "run one replica and strategy Recreate, or use a StatefulSet with mode statefulset-headless"},
	{NoStableHostname, "The pod has neither a hostname nor a name of its own, so peers cannot know it beforehand.", "remove netmode.io/hostname, so that a name is generated, or use a StatefulSet, or a Job with completionMode Indexed"},
	{StatefulSetPod, "Mode headless gives every pod the Service's name, and the pods of a StatefulSet or an Indexed Job have names of their own.", "use netmode.io/mode: statefulset-headless"},
	{SubdomainSet, "The pod's subdomain is its governing Service, so that cluster DNS serves <hostname>.<service>.", ""},
	{SubdomainFixed, "The StatefulSet names no Service in spec.serviceName, and Kubernetes lets nobody change that any more.", "create the StatefulSet anew with serviceName"},
	{TemplateOverwritten, "The pod template has a hostname or a subdomain that the workload's controller overwrites in every pod.", "remove it, or name the Service in serviceName"},
	{HostNetworkInUse, "A pod on the host network has its node's address and no name of its own.", "remove hostNetwork, or use netmode.io/mode: hostnetwork"},
	{GoverningServiceNamed, "The governing Service is named by the pod.", ""},
	{GoverningServiceDerived, "The governing Service is the only headless Service that selects the pod.", ""},
	{GoverningServiceConflict, "The annotation and spec.subdomain name two different Services.", "make netmode.io/service and subdomain (a StatefulSet's serviceName) equal, or remove the annotation"},
	{GoverningServiceInvalid, "spec.subdomain, or a StatefulSet's spec.serviceName, is a name that no Service can have.", "write the bare name of the headless Service"},
	{GoverningServiceUnknown, "No governing Service is named, and none could be found.", "name it with the annotation netmode.io/service on the pod template"},
	{GoverningServiceAmbiguous, "No governing Service is named, and several could be meant.", "name one with the annotation netmode.io/service on the pod template"},
	{GoverningServiceMissing, "The governing Service does not exist yet; until it does, the pod's name does not resolve.", "create it"},
	{GoverningServiceClusterIP, "The governing Service has a cluster IP, so its own name does not resolve to the pods.", "annotate the Service with the same mode when it is created, or create it anew with clusterIP: None"},
	{GoverningServiceType, "The governing Service is of a type that needs a cluster IP, so its own name does not resolve to the pods, and cannot.", "make a second Service with clusterIP: None and the same selector, and name that one"},
	{GoverningServiceMismatch, "The governing Service does not select the pod, so cluster DNS gives the pod no name.", "make the Service's selector match the pod's labels"},

	{SearchNone, "The search list stays as it is, because netmode.io/search-rewrite is none.", ""},
	{SearchInPlace, "The peer domain is in the pod's search list already.", ""},
	{SearchOtherDomain, "dnsConfig.searches holds the domain of the pod's peers as it would be in a cluster of another domain.", "remove that entry: netmode adds the right one"},
	{SearchPrepended, "The pod's DNS configuration is written out whole, with the peer domain first.", ""},
	{SearchAppended, "The peer domain is the last of the pod's search domains: short names resolve after a few failed look-ups.", ""},
	{SearchByPolicy, "The pod asks for no search rewrite and takes the one that a NetworkModePolicy gives.", ""},
	{SearchExtra, "A search domain comes from a NetworkModePolicy.", ""},
	{SearchByInitContainer, "An init container puts the peer domain first in the pod's resolv.conf.", ""},
	{SearchByPostStart, "postStart hooks put the peer domain first in the pod's resolv.conf, while the containers start.", ""},
	{ClusterDNSKnown, "The cluster's DNS is known, so the strategy auto means prepend.", ""},
	{ClusterDNSUnknown, "The cluster's DNS is not known to netmode.", "start netmode with --cluster-dns and --cluster-domain, or use netmode.io/search-rewrite: append"},
	{ClusterDomainAssumed, "The cluster's domain is not known to netmode, so cluster.local is assumed.", "start netmode with --cluster-domain if the cluster has another"},
	{DNSPolicyDefault, "dnsPolicy Default uses the node's DNS, which does not know the cluster's names.", "remove dnsPolicy, or set netmode.io/search-rewrite: none"},
	{SearchLimit, "The pod's own search domains leave no room for the cluster's: Kubernetes allows 32 entries and 2,048 characters.", "shorten dnsConfig.searches"},
	{SearchesCut, "Search domains of the node or of a policy were cut: Kubernetes allows 32 entries and 2,048 characters.", "shorten the search list of the nodes or of the policy"},
	{NameserversCut, "Nameservers were cut: Kubernetes allows three.", "list fewer nameservers"},
	{SearchTooLongForMusl, "The search line is longer than 256 bytes, which musl (Alpine) ignores.", "shorten the namespace's or the domains' names, or use an image with glibc"},
	{PostStartNeedsShell, "A container whose image has no /bin/sh will crash-loop on its postStart hook.", "make sure that every hooked image has /bin/sh, or use netmode.io/search-rewrite: init-container"},
	{PostStartSkipped, "A container gets no postStart hook, because the hook could not work there.", ""},
	{PostStartImpossible, "No container of the pod can run the postStart hook.", "use netmode.io/search-rewrite: prepend or init-container"},
	{InitContainerRoot, "The namespace enforces PodSecurity restricted, which rejects the init container: it must run as root.", "use netmode.io/search-rewrite: prepend"},
	{InitContainerImage, "netmode was started without an image for its init container.", "start netmode with --init-image, or use netmode.io/search-rewrite: prepend"},
	{InitContainerName, "The pod has another container of the name that netmode's init container needs.", "rename that container, or remove it where it is a copy of netmode's"},
}

// otherCures are told in the place of those that name a mode, where a policy does
// not allow it; read-only.
var otherCures = map[Reason]struct {
	mode api.Mode
	cure string
}{
	HostNetworkInUse: {api.ModeHostNetwork, "remove hostNetwork"},
	StatefulSetPod:   {api.ModeStatefulSetHeadless, "remove netmode.io/mode, or have a Deployment of one replica make the pod"},
	HostnameShared:   {api.ModeStatefulSetHeadless, "run one replica and strategy Recreate"},
}

var reasonIndex = func() map[Reason]ReasonDoc {
	index := make(map[Reason]ReasonDoc, len(reasonTable))
	for _, doc := range reasonTable {
		index[doc.Reason] = doc
	}
	return index
}()
