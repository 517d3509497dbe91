package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// promised is an object whose annotations come from a webhook after netmode, so that netmode is
// never asked about it and the API server alone holds it to its promise.
type promised struct {
	name        string
	annotations string // YAML
	manifest    string // its metadata but name and annotations, and its spec
	want        string // how the refusal begins and ends, with … between; "": accepted
}

const (
	notAsPromised = " … (NotAsPromised)"

	askHost     = "netmode.io/mode: hostnetwork"
	askHeadless = "netmode.io/mode: headless"
	askPeers    = "netmode.io/mode: statefulset-headless"
	askNames    = askHost + ", netmode.io/service: db"

	noHost      = "spec.hostNetwork: Invalid value: false: is not as mode hostnetwork needs it: " + notAsPromised
	clusterDNS  = `spec.dnsPolicy: Invalid value: "ClusterFirst": is not as mode hostnetwork needs it: ` + notAsPromised
	hostname    = "spec.hostname: Invalid value: is not the governing Service, as mode headless needs it: " + notAsPromised
	noHostname  = "spec.hostname: Required value: is not set, as this mode needs it: " + notAsPromised
	subdomain   = "spec.subdomain: Invalid value: is not the governing Service, as this mode needs it: " + notAsPromised
	noRewrite   = "spec.dnsConfig.searches: Invalid value: lacks the domain of the pod's peers, as this mode needs it: " + notAsPromised
	tooLarge    = "spec: Too many: a pod has at most 100 containers, 100 init containers and 32 searches to be looked at: … (PodTooLarge)"
	noClusterIP = "spec.clusterIP: Invalid value: is not None, as this mode needs it: " + notAsPromised
	unpublished = "spec.publishNotReadyAddresses: Invalid value: false: is not true, as the mode or the annotation needs it: " + notAsPromised
	published   = "spec.publishNotReadyAddresses: Invalid value: true: is not false, as the annotation needs it: " + notAsPromised

	oneContainer = "containers: [{name: c, image: i}]"
	peer         = "hostname: db-0, subdomain: db, "
	// DOMAIN is how the domain of the peers begins.
	first     = "dnsPolicy: None, dnsConfig: {nameservers: [10.96.0.10], searches: [DOMAINcluster.local, svc.cluster.local]}, "
	listed    = "dnsConfig: {searches: [corp.example, DOMAINcluster.local]}, "
	byInit    = "initContainers: [{name: netmode-resolvconf, image: i, command: [/netmode, resolvconf, DOMAINcluster.local]}], "
	byHook    = "containers: [{name: a, image: i}, {name: c, image: i, lifecycle: {postStart: {exec: {command: [/bin/sh, -c, ':', netmode-post-start, DOMAINcluster.local]}}}}]"
	byNothing = "dnsPolicy: ClusterFirst, "
)

func promisedPods() []promised {
	pod := func(spec string) string { return "spec: {" + spec + "}" }
	peers := func(rewrite string) string {
		if !strings.Contains(rewrite, "containers: [{name: a") {
			rewrite += oneContainer
		}
		return pod(peer + rewrite)
	}
	strategy := func(name string) string { return askPeers + ", netmode.io/search-rewrite: " + name }
	onHost := func(dns string) string { return pod("hostNetwork: true, dnsPolicy: " + dns + ", " + oneContainer) }
	onHostNamed := func(fields string) string {
		return pod("hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet, " + fields + oneContainer)
	}
	named := func(fields string) string { return pod(fields + oneContainer) }
	return []promised{
		{"hostnetwork", askHost, onHost("ClusterFirstWithHostNet"), ""},
		{"hostnetwork, DNS of the node", askHost, onHost("Default"), ""},
		{"hostnetwork, DNS by hand", askHost, pod("hostNetwork: true, dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1]}, " + oneContainer), ""},
		{"hostnetwork without it", askHost, pod("dnsPolicy: ClusterFirstWithHostNet, " + oneContainer), noHost},
		{"hostnetwork, false", askHost, pod("hostNetwork: false, dnsPolicy: Default, " + oneContainer), noHost},
		{"hostnetwork, DNS of the cluster's pods", askHost, onHost("ClusterFirst"), clusterDNS},
		{"hostnetwork, DNS as defaulted", askHost, named("hostNetwork: true, "), clusterDNS},

		{"hostnetwork, names", askNames, pod("hostNetwork: true, " + peer + first + oneContainer), ""},
		{"hostnetwork, names, listed", askNames, onHostNamed(peer + listed), ""},
		{"hostnetwork, names, init container", askNames, onHostNamed(peer + byInit), ""},
		{"hostnetwork, names, none", askNames + ", netmode.io/search-rewrite: none", onHostNamed(peer), ""},
		{"hostnetwork, names without it", askNames, pod(peer + first + oneContainer), noHost},
		{"hostnetwork, names, DNS of the cluster's pods", askNames, pod("hostNetwork: true, " + peer + listed + oneContainer), clusterDNS},
		{"hostnetwork, names, no hostname", askNames, onHostNamed("subdomain: db, " + listed), noHostname},
		{"hostnetwork, names, no subdomain", askNames, onHostNamed("hostname: db-0, " + listed), subdomain},
		{"hostnetwork, names, another subdomain", askNames, onHostNamed("hostname: db-0, subdomain: web, " + listed), subdomain},
		{"hostnetwork, names, no rewrite", askNames, onHostNamed(peer), noRewrite},
		{"hostnetwork, names, another rewrite", askNames + ", netmode.io/search-rewrite: prepend", onHostNamed(peer + listed), noRewrite},
		{"hostnetwork, names, too many containers", askNames, pod("hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet, " + peer + listed + many("containers", 101)), tooLarge},
		{"hostnetwork, too many containers", askHost, pod("hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet, " + many("containers", 101)), ""},
		{"peers on the host network", askPeers, onHostNamed(peer + listed), ""},
		{"peers on the host network, no rewrite", askPeers, onHostNamed(peer), noRewrite},

		{"headless", askHeadless, named("hostname: db, subdomain: db, "), ""},
		{"headless, Service named", askHeadless + ", netmode.io/service: db", named("hostname: db, subdomain: db, "), ""},
		{"headless, nothing set", askHeadless, named(""), hostname},
		{"headless, no hostname", askHeadless, named("subdomain: db, "), hostname},
		{"headless, another hostname", askHeadless, named("hostname: web, subdomain: db, "), hostname},
		{"headless, no subdomain", askHeadless, named("hostname: db, "), hostname},
		{"headless, no subdomain, Service named", askHeadless + ", netmode.io/service: db", named("hostname: db, "), subdomain},
		{"headless, another subdomain", askHeadless + ", netmode.io/service: db", named("hostname: db, subdomain: web, "), subdomain},
		{"headless, another Service named", askHeadless + ", netmode.io/service: web", named("hostname: db, subdomain: db, "), hostname},

		{"peers, first", askPeers, peers(first), ""},
		{"peers, listed", askPeers, peers(listed), ""},
		{"peers, init container", askPeers, peers(byInit), ""},
		{"peers, hook", askPeers, peers(byHook), ""},
		{"peers, Service named", askPeers + ", netmode.io/service: db", peers(first), ""},
		{"peers, another Service named", askPeers + ", netmode.io/service: web", peers(first), subdomain},
		{"peers, no hostname", askPeers, named("subdomain: db, " + first), noHostname},
		{"peers, no subdomain", askPeers, named("hostname: db-0, dnsPolicy: None, dnsConfig: {nameservers: [1.1.1.1], searches: [test.svc.]}, "), subdomain},
		{"peers, no rewrite", askPeers, peers(byNothing), noRewrite},
		{"peers, of another namespace", askPeers, peers(strings.ReplaceAll(first, "DOMAIN", "db.default.svc.")), noRewrite},
		{"peers, of another Service", askPeers, peers(strings.ReplaceAll(listed, "DOMAIN", "webDOMAIN")), noRewrite},
		{"peers, init container of another domain", askPeers, peers(strings.ReplaceAll(byInit, "DOMAIN", "db.default.svc.")), noRewrite},
		{"peers, init container of another command", askPeers, peers(strings.ReplaceAll(byInit, "resolvconf, DOMAIN", "wait, DOMAIN")), noRewrite},
		{"peers, init container of another name", askPeers, peers(strings.ReplaceAll(byInit, "name: netmode-resolvconf", "name: mine")), noRewrite},
		{"peers, init container without a command", askPeers, peers("initContainers: [{name: netmode-resolvconf, image: i}], "), noRewrite},
		{"peers, hook of another domain", askPeers, peers(strings.ReplaceAll(byHook, "DOMAIN", "db.default.svc.")), noRewrite},
		{"peers, hook of another's", askPeers, peers(strings.ReplaceAll(byHook, "netmode-post-start", "mine")), noRewrite},
		{"peers, a hook that is short", askPeers, peers(strings.ReplaceAll(byHook, ", DOMAINcluster.local", "")), noRewrite},

		{"prepend, first", strategy("prepend"), peers(first), ""},
		{"prepend, listed", strategy("prepend"), peers(listed), noRewrite},
		{"prepend, not first", strategy("prepend"), peers(strings.ReplaceAll(first, "[DOMAIN", "[corp.example, DOMAIN")), noRewrite},
		{"prepend, first behind the cluster's", strategy("prepend"), peers(strings.ReplaceAll(listed, "corp.example, ", "")), noRewrite},
		{"append, listed", strategy("append"), peers(listed), ""},
		{"append, first", strategy("append"), peers(first), ""},
		{"append, init container", strategy("append"), peers(byInit), noRewrite},
		{"init-container", strategy("init-container"), peers(byInit), ""},
		{"init-container, more peers", strategy("init-container"), peers(strings.ReplaceAll(byInit, "cluster.local]", "cluster.local, behind, x.svc.cluster.local, zk.data.svc.cluster.local]")), ""},
		{"init-container, other peers first", strategy("init-container"), peers(strings.ReplaceAll(byInit, "/netmode, resolvconf, ", "/netmode, resolvconf, zk.data.svc.cluster.local, ")), noRewrite},
		{"init-container, first", strategy("init-container"), peers(first), ""},
		{"init-container, hook", strategy("init-container"), peers(byHook), noRewrite},
		{"init-container, listed", strategy("init-container"), peers(listed), noRewrite},
		{"post-start", strategy("post-start"), peers(byHook), ""},
		{"post-start, more peers", strategy("post-start"), peers(strings.ReplaceAll(byHook, "DOMAINcluster.local", "'DOMAINcluster.local behind x.svc.cluster.local zk.data.svc.cluster.local'")), ""},
		{"post-start, first", strategy("post-start"), peers(first), ""},
		{"post-start, init container", strategy("post-start"), peers(byInit), noRewrite},
		{"auto", strategy("auto"), peers(byInit), ""},
		{"auto, nothing", strategy("auto"), peers(byNothing), noRewrite},
		{"none", strategy("none"), peers(byNothing), ""},
		{"none, no hostname", strategy("none"), named("subdomain: db, "), noHostname},
		{"none of a policy", askPeers + `, netmode.io/status: '{"mode":"statefulset-headless","source":"annotation","strategy":"none"}'`, peers(byNothing), ""},
		{"another of a policy", askPeers + `, netmode.io/status: '{"mode":"statefulset-headless","source":"annotation","strategy":"append"}'`, peers(byNothing), noRewrite},

		{"as many as are looked at", askPeers, pod(peer + listed + many("initContainers", 100) + ", " + many("containers", 100)), ""},
		{"too many containers", askPeers, pod(peer + listed + many("containers", 101)), tooLarge},
		{"too many init containers", askPeers, pod(peer + listed + many("initContainers", 101) + ", " + oneContainer), tooLarge},
		{"many containers, none", strategy("none"), pod(peer + many("containers", 101)), ""},

		{"default", "netmode.io/mode: default", named(""), ""},
		{"nothing asked", "netmode.io/service: db", named(""), ""},
		{"to be ignored", askHost, "labels: {netmode.io/ignore: 'true'}, " + named(""), ""},
		{"not to be ignored", askHost, "labels: {netmode.io/ignore: 'yes'}, " + onHost("ClusterFirst"), clusterDNS},
		{"mirror pod of anybody", askHost + ", kubernetes.io/config.mirror: a", pod("nodeName: node, hostNetwork: true, " + oneContainer), clusterDNS},
	}
}

func many(list string, count int) string {
	items := make([]string, count)
	for i := range items {
		items[i] = fmt.Sprintf("{name: c%d, image: i}", i)
		if list == "initContainers" {
			items[i] = fmt.Sprintf("{name: i%d, image: i}", i)
		}
	}
	return list + ": [" + strings.Join(items, ", ") + "]"
}

func promisedServices() []promised {
	const (
		headless = "clusterIP: None, "
		publish  = "publishNotReadyAddresses: true, "
		others   = "selector: {app: db}, ports: [{port: 80}]"
	)
	says := func(ask, value string) string {
		return ask + ", netmode.io/publish-not-ready-addresses: '" + value + "'"
	}
	service := func(fields string) string { return "spec: {" + fields + others + "}" }
	return []promised{
		{"headless", askHeadless, service(headless), ""},
		{"headless and published", askHeadless, service(headless + publish), ""},
		{"headless with a cluster IP", askHeadless, service(""), noClusterIP},
		{"headless with a node port", askHeadless, service("type: NodePort, "), noClusterIP},
		{"headless, to be published", says(askHeadless, "true"), service(headless + publish), ""},
		{"headless, to be published, unpublished", says(askHeadless, "true"), service(headless), unpublished},
		{"headless, not to be published", says(askHeadless, "false"), service(headless + publish), published},
		{"peers", askPeers, service(headless + publish), ""},
		{"peers, unpublished", askPeers, service(headless), unpublished},
		{"peers with a cluster IP", askPeers, service(publish), noClusterIP},
		{"peers, not to be published", says(askPeers, "false"), service(headless), ""},
		{"peers, not to be published, published", says(askPeers, "false"), service(headless + publish), published},
		{"hostnetwork", askHost, service(""), ""},
		{"default", "netmode.io/mode: default", service(""), ""},
		{"to be ignored", askHeadless, "labels: {netmode.io/ignore: 'true'}, " + service(""), ""},
	}
}

// object is a promised one in JSON, without its annotations.
func (p *promised) object(t *testing.T, name, namespace string) []byte {
	t.Helper()
	metadata, spec, _ := strings.Cut(p.manifest, "spec: {")
	manifest := fmt.Sprintf("{metadata: {name: %s, %s}, spec: {%s}", name, metadata, spec)
	return toJSON(t, strings.ReplaceAll(manifest, "DOMAIN", "db."+namespace+".svc."))
}

// late is the operation that gives an object its annotations.
func (p *promised) late(t *testing.T) string {
	t.Helper()
	annotations, err := json.Marshal(from[map[string]string](t, "{"+p.annotations+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return `{"op": "add", "path": "/metadata/annotations", "value": ` + string(annotations) + `}`
}

// wantPromise holds an answer to what the policy says of it.
func wantPromise(t *testing.T, got *answer, policy, want string) {
	t.Helper()
	if want == "" {
		if got.err != nil {
			t.Errorf("refused: %v", got.err)
		}
		return
	}
	begin, end, _ := strings.Cut(want, "…")
	begin = fmt.Sprintf(" is forbidden: ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s", policy, policy, begin)
	if !apierrors.IsInvalid(got.err) || !strings.Contains(got.err.Error(), strings.TrimRight(begin, " ")) || !strings.HasSuffix(got.err.Error(), strings.TrimSpace(end)) {
		t.Errorf("have %v\nwant %s…%s", got.err, begin, end)
	}
}

// TestPromises: what asks for a mode and is not what the mode promises is refused by the API server,
// with no webhook asked. Each rule is seen to refuse.
func TestPromises(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	pods, services := map[string]string{}, map[string]string{}
	for i, p := range promisedPods() {
		pods[fmt.Sprintf("p%d", i)] = p.late(t)
	}
	for i, p := range promisedServices() {
		services[fmt.Sprintf("s%d", i)] = p.late(t)
	}
	shared.secondWebhook(t, ns, "Never", func(pod *corev1.Pod) []string { return []string{pods[pod.Name]} })
	for i, p := range promisedPods() {
		t.Run(p.name, func(t *testing.T) {
			wantPromise(t, shared.post(t.Context(), ns, "pods", p.object(t, fmt.Sprintf("p%d", i), ns), dryRun), "promises.pods.netmode.io", p.want)
		})
	}
	other := shared.namespace(t, nil)
	shared.secondWebhookOfServices(t, other, func(service *corev1.Service) []string { return []string{services[service.Name]} })
	for i, p := range promisedServices() {
		t.Run("Service, "+p.name, func(t *testing.T) {
			wantPromise(t, shared.post(t.Context(), other, "services", p.object(t, fmt.Sprintf("s%d", i), other), dryRun), "promises.services.netmode.io", p.want)
		})
	}
}

// TestMirrorPodPromisesNothing: a kubelet's pod is there already, whatever is said of it.
func TestMirrorPodPromisesNothing(t *testing.T) {
	t.Parallel()
	ns := shared.namespace(t, nil)
	_, err := shared.admin.RbacV1().Roles(ns).Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "kubelets"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = shared.admin.RbacV1().RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "kubelets"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "kubelets"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:nodes"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mirror := promised{"", askHost + ", kubernetes.io/config.mirror: a", "spec: {nodeName: node, " + oneContainer + "}", ""}
	shared.secondWebhook(t, ns, "Never", func(*corev1.Pod) []string { return []string{mirror.late(t)} })
	config := rest.CopyConfig(shared.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:node:n", Groups: []string{"system:nodes", "system:authenticated"}}
	kubelet := *shared
	if kubelet.admin, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	pod := mirror.object(t, "mirror", ns)
	if err := shared.poll(t.Context(), "the kubelet has no rights", func(ctx context.Context) error {
		return kubelet.post(ctx, ns, "pods", toJSON(t, `{metadata: {name: probe}, spec: {`+oneContainer+`}}`), dryRun).err
	}); err != nil {
		t.Fatal(err)
	}
	wantPromise(t, kubelet.post(t.Context(), ns, "pods", pod, dryRun), "", "")
	wantPromise(t, shared.post(t.Context(), ns, "pods", pod, dryRun), "promises.pods.netmode.io", noHost)
}

// TestServiceUpdateIsWarnedOf: an annotation cannot make a running Service headless, and its author
// hears so when it is written, or when the type changes, and not again.
func TestServiceUpdateIsWarnedOf(t *testing.T) {
	t.Parallel()
	const (
		policy = "Validation failed for ValidatingAdmissionPolicy 'updates.services.netmode.io' with binding 'updates.services.netmode.io': "
		stays  = "%s stays, because Kubernetes lets nobody change it"
		ask    = `{"metadata": {"annotations": {"netmode.io/mode": "%s"}}}`
	)
	ns := shared.namespace(t, nil)
	for name, tt := range map[string]struct{ service, cure string }{
		"db": {"spec: {ports: [{port: 80}]}", ". To make the Service headless, replace it: kubectl get service db -n " + ns +
			" -o json | jq 'del(.spec.clusterIP,.spec.clusterIPs)' | kubectl replace --force -f - (ClusterIPStays)"},
		"web": {"spec: {type: NodePort, ports: [{port: 80}]}", ", and a Service of type NodePort cannot be headless. Set type ClusterIP first, " +
			"with a second Service for access from outside: the warning then tells how to replace this one (ClusterIPStays)"},
	} {
		t.Run(name, func(t *testing.T) {
			service := stored[corev1.Service](t, shared.post(t.Context(), ns, "services", toJSON(t, "{metadata: {name: "+name+"}, "+tt.service+"}")))
			update := func(patch string) *answer {
				_, a := do(t.Context(), func(ctx context.Context) (*corev1.Service, error) {
					return shared.admin.CoreV1().Services(ns).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
				})
				if a.err != nil {
					t.Fatal(a.err)
				}
				return a
			}
			warning := policy + "spec.clusterIP: " + fmt.Sprintf(stays, service.Spec.ClusterIP) + tt.cure
			wantWarnings(t, update(`{"metadata": {"labels": {"a": "b"}}}`))
			wantWarnings(t, update(fmt.Sprintf(ask, "hostnetwork")))
			wantWarnings(t, update(fmt.Sprintf(ask, "headless")), warning)
			wantWarnings(t, update(`{"metadata": {"labels": {"a": "c"}}}`))
			wantWarnings(t, update(fmt.Sprintf(ask, "statefulset-headless")), warning)
			wantWarnings(t, update(`{"metadata": {"annotations": {"netmode.io/mode": null}}}`))
			wantWarnings(t, update(`{"metadata": {"labels": {"netmode.io/ignore": "true"}, "annotations": {"netmode.io/mode": "headless"}}}`))
		})
	}
	stored[corev1.Service](t, shared.post(t.Context(), ns, "services", toJSON(t, "{metadata: {name: peers}, spec: {clusterIP: None, ports: [{port: 80}]}}")))
	_, a := do(t.Context(), func(ctx context.Context) (*corev1.Service, error) {
		return shared.admin.CoreV1().Services(ns).Patch(ctx, "peers", types.MergePatchType, []byte(fmt.Sprintf(ask, "headless")), metav1.PatchOptions{})
	})
	if a.err != nil {
		t.Fatal(a.err)
	}
	wantWarnings(t, a)
}

// TestServiceThatChangesItsType: an update that gives a Service its type may be the last one that can
// make it headless, and what the warning says works.
func TestServiceThatChangesItsType(t *testing.T) {
	t.Parallel()
	const (
		policy = "Validation failed for ValidatingAdmissionPolicy 'updates.services.netmode.io' with binding 'updates.services.netmode.io': spec.clusterIP: "
		now    = " comes with this update, and Kubernetes lets nobody change it later. To make the Service headless, write clusterIP: None together with type: ClusterIP, " +
			"and set type: ExternalName again before that unless this was a dry run (ClusterIPStays)"
		outside = `{"spec": {"type": "ExternalName", "externalName": "db.example.org"}}`
	)
	ns := shared.namespace(t, nil)
	stored[corev1.Service](t, shared.post(t.Context(), ns, "services", toJSON(t, "{metadata: {name: db}, spec: {type: ExternalName, externalName: db.example.org, ports: [{port: 80}]}}")))
	update := func(patch string, dryRun ...string) (*corev1.Service, *answer) {
		service, a := do(t.Context(), func(ctx context.Context) (*corev1.Service, error) {
			return shared.admin.CoreV1().Services(ns).Patch(ctx, "db", types.MergePatchType, []byte(patch), metav1.PatchOptions{DryRun: dryRun})
		})
		if a.err != nil {
			t.Fatal(a.err)
		}
		return service, a
	}
	_, a := update(`{"metadata": {"annotations": {"netmode.io/mode": "headless"}}}`)
	wantWarnings(t, a)
	service, a := update(`{"spec": {"type": "ClusterIP", "externalName": null}}`, metav1.DryRunAll)
	wantWarnings(t, a, policy+service.Spec.ClusterIP+now)
	service, a = update(`{"spec": {"type": "ClusterIP", "externalName": null}}`)
	wantWarnings(t, a, policy+service.Spec.ClusterIP+now)
	_, a = update(`{"metadata": {"labels": {"a": "b"}}}`)
	wantWarnings(t, a)
	_, a = update(outside)
	wantWarnings(t, a)
	service, a = update(`{"spec": {"type": "ClusterIP", "clusterIP": "None", "externalName": null}}`)
	wantWarnings(t, a)
	if service.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("clusterIP %q", service.Spec.ClusterIP)
	}
	_, a = update(outside)
	wantWarnings(t, a)

	// From another type to ClusterIP: the warning that was announced.
	service, a = update(`{"spec": {"type": "NodePort", "externalName": null}}`)
	wantWarnings(t, a, policy+service.Spec.ClusterIP+" stays, because Kubernetes lets nobody change it, and a Service of type NodePort cannot be headless. Set type ClusterIP first, "+
		"with a second Service for access from outside: the warning then tells how to replace this one (ClusterIPStays)")
	service, a = update(`{"spec": {"type": "ClusterIP", "externalName": null}}`)
	wantWarnings(t, a, policy+service.Spec.ClusterIP+" stays, because Kubernetes lets nobody change it. To make the Service headless, replace it: kubectl get service db -n "+ns+
		" -o json | jq 'del(.spec.clusterIP,.spec.clusterIPs)' | kubectl replace --force -f - (ClusterIPStays)")
}
